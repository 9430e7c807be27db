"""How machines of a cluster become nodes and cease to be, for the length of a command.

The API of the cluster is asked once in a pass. While it does not answer nothing is known of nodes, so nobody is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cloudk8s.client.http import Unreachable
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of
from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS, CONFIG_MAPS, NODES, SECRETS
from cloudk8s.cloud.model.machine import NAMES, Machine, MachineRequest
from cloudk8s.cloud.model.names import pack
from cloudk8s.cloud.model.network import Network
from cloudk8s.controllers.bootstrap_signer import IN_NAMESPACE
from cloudk8s.controllers.bootstrap_tokens import NAMESPACE, TYPE
from cloudk8s.controlplane.machine.discovery import CONFIGURATION, configuration_name
from cloudk8s.controlplane.machine.seed import machine_token
from cloudk8s.errors import CloudK8sError, SettingsError
from cloudk8s.machinery.codec import encode_sorted
from cloudk8s.machinery.times import format_time
from cloudk8s.provisioning.bootstrap.catalog import bootstrap_method
from cloudk8s.provisioning.bootstrap.interface import BootstrapMethod, Facts, KeepsMembers
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.machines.decision import Decision, Deletion
from cloudk8s.provisioning.machines.view import MachineView, in_group
from cloudk8s.provisioning.membership import Membership, present
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.approval import judge
from cloudk8s.provisioning.nodes.emptying import empty
from cloudk8s.provisioning.nodes.marking import Marks, patch_of
from cloudk8s.provisioning.nodes.reading import states
from cloudk8s.provisioning.nodes.tokens import MachineToken, machine_of, secret_of
from cloudk8s.provisioning.nodes.turns import Turn
from cloudk8s.provisioning.objects.kinds import is_mark
from cloudk8s.provisioning.objects.reading import Sayings, held_by_hook, read_sayings
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site

COMMAND_LIFETIME = timedelta(hours=12)
"""How long a command's own certificate is good for."""


@dataclass(slots=True)
class Joining:
    """One command's dealings with one cluster."""

    site: Site
    declaration: ClusterDeclaration
    method: BootstrapMethod
    answers: bool = False
    """The API answered when it was asked last."""
    going: frozenset[str] = frozenset()
    """Ids of machines that the last pass wanted to take away."""
    members: Membership = field(default_factory=Membership)
    _api: ClusterApi | None = None
    _nodes: Mapping[str, Object] = field(default_factory=dict)
    _sayings: Sayings = field(default_factory=Sayings)
    _serving: list[str] = field(default_factory=list)
    """Machines of the control plane whose nodes are ready."""
    _staying: list[str] = field(default_factory=list)
    _turn: Turn = field(default_factory=Turn)
    _configured: set[str] = field(default_factory=set)
    _emptying: dict[str, float] = field(default_factory=dict)
    _remedied: dict[str, set[str]] = field(default_factory=dict)
    """Machines that were not well and were to be replaced, by group, since all was well last."""

    @staticmethod
    def of(site: Site, declaration: ClusterDeclaration) -> Joining:
        """Raises SettingsError for a method that is not there, or can't do what is declared."""
        joining = Joining(site, declaration, bootstrap_method(declaration.bootstrap, site.plugins))
        if joining.awaits_nodes and declaration.control_plane.replicas > 1 and not joining.method.grows:
            raise SettingsError(
                f"controlPlane.replicas: bootstrap method {declaration.bootstrap.method} keeps the state of a cluster "
                "on one machine; use 1, or another method"
            )
        if any(pool.scaling_group for pool in declaration.pools):
            joining._check_groups()
        if joining.awaits_nodes and declaration.keeps_etcd and not joining.has_balancer:
            raise SettingsError(
                f"controlPlane: provider {site.provider} has no load balancer for the API here, so its control planes "
                "have one machine that keeps its state in SQLite"
            )
        return joining

    def _check_groups(self) -> None:
        if self.site.groups is None:
            raise SettingsError(f"pools.scalingGroup: {self.site.provider} has no groups that keep machines")
        if self.awaits_nodes and not self._is_shared:
            method = self.declaration.bootstrap.method
            raise SettingsError(f"pools.scalingGroup: bootstrap method {method} has other user data for each machine")

    @property
    def _is_shared(self) -> bool:
        return self.site.machines.capabilities.shares_user_data and self.method.shares_user_data

    @property
    def awaits_nodes(self) -> bool:
        """Machines boot, and become nodes that can be asked for."""
        return self.method.joins and self.site.machines.capabilities.boots

    @property
    def has_balancer(self) -> bool:
        """The API is reached at one place, whatever becomes of single machines."""
        return self.site.networks is not None and self.site.networks.capabilities.api_load_balancer

    def endpoint(self, network: Network, machines: Iterable[MachineView]) -> str:
        """Where the API answers: as the network says, else at the first machine of the control plane."""
        if network.endpoint:
            return network.endpoint
        port = self.declaration.network.api.port
        found = [address for view in in_group(machines, CONTROL_PLANE) if (address := _address(view.machine))]
        return f"{found[0]}:{port}" if found else ""

    def look(self, machines: Sequence[MachineView], network: Network) -> tuple[MachineView, ...]:
        """The machines with what the cluster says of their nodes; the same where it is not asked."""
        if not self.awaits_nodes:
            return tuple(machines)
        self._nodes = {}
        api = self._reach(self.endpoint(network, machines)) if in_group(machines, CONTROL_PLANE) else None
        self.answers = False
        if api is not None:
            try:
                self._nodes = {name_of(node): node for node in api.list(NODES)}
                self._sayings = read_sayings(api)
                if self.declaration.keeps_etcd:
                    self.members.read(api)
                self.answers = True
            except CloudK8sError as error:
                self.site.report(Event("waiting", "the API", str(error)))
        known = states(self._nodes.values())
        seen = tuple(self._with_node(view, known) for view in machines)
        self._serving = [
            view.name for view in in_group(seen, CONTROL_PLANE) if view.node is not None and view.node.is_ready
        ]
        return seen

    def user_data(self, requests: Sequence[MachineRequest], network: Network, machines: Iterable[MachineView]) -> list[
        MachineRequest
    ]:  # fmt: skip
        """The requests with what the machines boot from."""
        if not requests:
            return []
        predecessor = self._predecessor(machines)
        first = "" if in_group(machines, CONTROL_PLANE) else requests[0].uid
        return [
            self._with_user_data(
                request,
                replace(self._facts(network, machines, request, predecessor), is_first=request.uid == first),
            )
            for request in requests
        ]

    def invite(self, requests: Sequence[MachineRequest], network: Network, machines: Iterable[MachineView]) -> None:
        """Let these workers join once they are there. Raises Unreachable."""
        if self.awaits_nodes and self._api is not None:
            for request in requests:
                if request.role == "worker" or self.method.grows:
                    self._invite(self._api, request, self._facts(network, machines, request, ""))

    def tend(self, machines: Sequence[MachineView], network: Network) -> None:
        """Approve what the cloud confirms, take back used tokens, mark nodes."""
        if not (self.awaits_nodes and self.answers and self._api is not None):
            return
        try:
            self._tend(self._api, machines, network)
        except CloudK8sError as error:
            self.site.report(Event("failed", "nodes", str(error)))

    def remedied(self, decision: Decision) -> tuple[list[Deletion], dict[str, str]]:
        """What is deleted now, unless too many replacements in a row have not helped."""
        remedies = [entry for entry in decision.delete if entry.is_remedy]
        if not remedies and decision.is_settled:
            self._remedied.pop(decision.group, None)
        before = self._remedied.setdefault(decision.group, set()) if remedies else set()
        all_of_them = before | {entry.machine.machine.id for entry in remedies}
        if len(all_of_them) <= decision.most_remedies:
            before |= all_of_them
            return list(decision.delete), {}
        text = f"{len(before)} replacements have not helped; {remedies[0].machine.name}"
        reason = remedies[0].reason.removeprefix("is replaced: ")
        others = [entry for entry in decision.delete if not entry.is_remedy]
        return others, {f"machines of {decision.group}": f"{text} stays although {reason}"}

    def emptied(self, views: Sequence[MachineView]) -> tuple[list[MachineView], dict[str, str]]:
        """Machines whose nodes are empty, and what keeps the others."""
        ready, waiting = [], dict[str, str]()
        going = {view.name for view in views}
        self._staying = [name for name in self._serving if name not in going]
        for view in views:
            if reason := self._keeps(view) or self._member_keeps(view):
                waiting[f"machine {view.name}"] = reason
            else:
                ready.append(view)
        return ready, waiting

    def let_go(self, machines: Iterable[MachineView]) -> None:
        """Ask members of etcd to leave whose machines shall go, and nobody else."""
        if self._api is None or not self._has_members:
            return
        try:
            self.members.ask(self._api, present(machines))
        except CloudK8sError as error:
            self.site.report(Event("failed", "members of etcd", str(error)))

    def forget(self, machines: Iterable[Machine]) -> None:
        """Delete the nodes of machines that go."""
        if self.awaits_nodes and self.answers and self._api is not None:
            for machine in machines:
                try:
                    self._api.delete(NODES, machine.name)
                except CloudK8sError as error:
                    self.site.report(Event("failed", f"node {machine.name}", str(error)))

    def others_turn(self) -> str:
        """Who works on the cluster now instead of this process; nothing where this one may."""
        if self._api is None or not (self.answers and self.declaration.self_managed):
            return ""
        try:
            return self._turn.take(self._api, self.site.clock.now())
        except CloudK8sError as error:
            return f"nobody can tell who: {error}"

    def close(self) -> None:
        """Let go of the turn and of the connection."""
        if self._api is not None:
            try:
                self._turn.give_back(self._api)
            except CloudK8sError as error:
                self.site.report(Event("failed", "giving the turn back", str(error)))
            self._api.close()
            self._api = None

    def _reach(self, endpoint: str) -> ClusterApi | None:
        """A connection to the API, kept while it is at one place."""
        seed = self.site.seeds.find()
        if not endpoint or seed is None:
            return None
        if self._api is None or self._api.access.server != f"https://{endpoint}":
            self.close()
            cluster, now = self.declaration.name, self.site.clock.now()
            self._api = ClusterApi(seed.administrator(cluster, f"https://{endpoint}", now, COMMAND_LIFETIME))
        return self._api

    def _with_node(self, view: MachineView, known: Mapping[str, Any]) -> MachineView:
        node = known.get(view.name)
        marks = {key: text for key, text in node.annotations.items() if is_mark(key)} if node else view.marks
        marks = {**marks, **self._sayings.marks_of(view.machine)}
        votes = self.declaration.keeps_etcd and view.machine.role == "control-plane"
        member = self.members.of(view.name) if votes else None
        return replace(view, node=node, needs_node=True, marks=marks, member=member, needs_member=votes)

    def _facts(
        self, network: Network, machines: Iterable[MachineView], request: MachineRequest, predecessor: str
    ) -> Facts:
        return Facts(
            self.declaration, self.site.seeds.ensure(), self.endpoint(network, machines), predecessor, request.network,
            self._is_shared,
        )  # fmt: skip

    @property
    def _has_members(self) -> bool:
        return self.declaration.keeps_etcd and self.awaits_nodes and self.answers

    def _member_keeps(self, view: MachineView) -> str:
        """What its member of etcd has against a machine's going."""
        if view.machine.role != "control-plane":
            return ""
        method: object = self.method
        if isinstance(method, KeepsMembers) and self.answers and self._api is not None:
            try:
                return method.member_keeps(self._api, view.name, self._staying)
            except CloudK8sError as error:
                return f"nobody can tell of its member of etcd: {error}"
        return self.members.keeps(view.name) if self._has_members else ""

    def _predecessor(self, machines: Iterable[MachineView]) -> str:
        """The machine whose place a new one of the control plane takes."""
        if not self.declaration.hands_over:
            return ""
        running = [view.machine for view in in_group(machines, CONTROL_PLANE) if view.machine.state == "running"]
        return _address(running[0]) if running else ""

    def _with_user_data(self, request: MachineRequest, facts: Facts) -> MachineRequest:
        if request.role == "control-plane":
            return replace(request, user_data=self.method.control_plane(facts, request))
        data = self.method.worker(facts, request)
        if not facts.is_shared:
            data = data.replace(NAMES, pack([request.name]).encode())
        return replace(request, user_data=data)

    def _invite(self, api: ClusterApi, request: MachineRequest, facts: Facts) -> None:
        if request.pool not in self._configured:
            configuration = self.method.configuration(facts, request.pool)
            if configuration is not None:
                api.apply(CONFIG_MAPS, _configuration_map(request.pool, configuration))
            self._configured.add(request.pool)
        secret = self.method.join_secret(facts, request)
        if secret:
            token = MachineToken(request.name, machine_token(secret, request.name))
            api.apply(SECRETS, secret_of(token, self.site.clock.now()))

    def _tend(self, api: ClusterApi, machines: Sequence[MachineView], network: Network) -> None:
        tokens = {
            secret["metadata"]["name"]: secret
            for secret in api.list(SECRETS, namespace=NAMESPACE, fields=f"type={TYPE}")
        }
        ours = {name: machine for name, secret in tokens.items() if (machine := machine_of(secret))}
        present = {view.name for view in machines if view.machine.state in ("pending", "running")}
        serving = {view.name for view in machines if view.node is not None and view.node.is_ready}
        for name, machine in ours.items():
            if machine in serving or machine not in present:
                api.delete(SECRETS, name, NAMESPACE)
        self._remind(api, machines, network, set(ours.values()))
        if open := {f"system:bootstrap:{name.rpartition('-')[2]}": machine for name, machine in ours.items()}:
            for request in api.list(CERTIFICATE_SIGNING_REQUESTS):
                if (verdict := judge(request, open, present, serving)) is not None:
                    api.update(
                        CERTIFICATE_SIGNING_REQUESTS,
                        verdict.with_condition(format_time(self.site.clock.now())),
                        "approval",
                    )
                    self.site.report(Event("made" if verdict.approved else "failed", "certificate", verdict.message))
        for view in machines:
            self._mark(api, view)

    def _remind(self, api: ClusterApi, machines: Sequence[MachineView], network: Network, invited: set[str]) -> None:
        """Invite machines that are there, have no node, and have no token any more."""
        for view in machines:
            machine = view.machine
            if (
                (machine.role == "worker" or self.method.grows)
                and view.exists
                and not view.is_promised
                and view.node is None
                and view.name not in invited
            ):
                request = MachineRequest(machine.uid, machine.name, machine.cluster, machine.role, view.group)
                self._invite(api, request, self._facts(network, machines, request, ""))

    def _mark(self, api: ClusterApi, view: MachineView) -> None:
        node = self._nodes.get(view.name)
        if node is None or not view.exists:
            return
        facts = Facts(self.declaration, self.site.seeds.ensure(), "")
        declared = facts.of_group(view.group)
        marks = Marks(
            self.declaration.name, view.name, view.group, view.machine.provider_id, declared.labels,
            facts.taints(view.group),
        )  # fmt: skip
        if (patch := patch_of(node, marks)) is not None:
            api.patch(NODES, view.name, patch)

    def _keeps(self, view: MachineView) -> str:
        """What keeps a machine from being deleted."""
        if not (self.awaits_nodes and self.answers and self._api is not None):
            return ""
        if reason := held_by_hook(view.marks, is_empty=False):
            return reason
        return self._drained(self._api, view) or held_by_hook(view.marks, is_empty=True)

    def _drained(self, api: ClusterApi, view: MachineView) -> str:
        """What is still on a node that can be emptied."""
        if view.node is None or not view.node.is_ready or view.machine.state != "running":
            return ""
        pool = self.declaration.pool(view.group)
        limit = pool.rollout.drain_timeout.total_seconds() if pool is not None else 60.0
        started = self._emptying.setdefault(view.name, self.site.timer.monotonic())
        if limit and self.site.timer.monotonic() - started > limit:
            self.site.report(Event("failed", f"node {view.name}", f"is not empty after {limit:.0f} s; it goes anyway"))
            return ""
        try:
            return empty(api, view.name, self._sayings.drain_plan(api, view.name))
        except Unreachable:
            return ""


def _configuration_map(group: str, configuration: Mapping[str, Any]) -> Object:
    metadata = {"name": configuration_name(group), "namespace": IN_NAMESPACE}
    data = {CONFIGURATION: encode_sorted(dict(configuration)).decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _address(machine: Machine) -> str:
    addresses = {entry.type: entry.address for entry in reversed(machine.addresses)}
    return addresses.get("InternalIP") or addresses.get("ExternalIP") or ""
