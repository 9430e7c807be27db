"""How machines of a cluster become nodes and cease to be, for the length of a command.

The API of the cluster is asked once in a pass. While it does not answer nothing is known of nodes, so nobody is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.cloud.model.network import Network
from cloudk8s.errors import CloudK8sError, SettingsError
from cloudk8s.provisioning.bootstrap.catalog import bootstrap_method
from cloudk8s.provisioning.bootstrap.interface import BootstrapMethod
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.inviting import Inviting
from cloudk8s.provisioning.leaving import Leaving
from cloudk8s.provisioning.machines.view import MachineView, in_group
from cloudk8s.provisioning.membership import Membership, present
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.reading import states
from cloudk8s.provisioning.nodes.turns import Turn
from cloudk8s.provisioning.objects.kinds import is_mark
from cloudk8s.provisioning.objects.reading import read_sayings
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.tending import Tending

COMMAND_LIFETIME = timedelta(hours=12)
"""How long a command's own certificate is good for."""


@dataclass(slots=True)
class Joining:
    """One command's dealings with one cluster: who is invited, tended and let go stands in files of their own."""

    site: Site
    declaration: ClusterDeclaration
    method: BootstrapMethod
    going: frozenset[str] = frozenset()
    """Ids of machines that the last pass wanted to take away."""
    members: Membership = field(default_factory=Membership)
    inviting: Inviting = field(init=False)
    leaving: Leaving = field(init=False)
    _api: ClusterApi | None = None
    _nodes: Mapping[str, Object] = field(default_factory=dict)
    _turn: Turn = field(default_factory=Turn)

    def __post_init__(self) -> None:
        self.inviting = Inviting(self.site, self.declaration, self.method)
        self.leaving = Leaving(self.site, self.declaration, self.method, self.members)

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
        if self.awaits_nodes and not self.inviting.is_shared:
            method = self.declaration.bootstrap.method
            raise SettingsError(f"pools.scalingGroup: bootstrap method {method} has other user data for each machine")

    @property
    def awaits_nodes(self) -> bool:
        """Machines boot, and become nodes that can be asked for."""
        return self.method.joins and self.site.machines.capabilities.boots

    @property
    def answers(self) -> bool:
        """The API answered when it was asked last."""
        return self.leaving.api is not None

    @property
    def has_balancer(self) -> bool:
        """The API is reached at one place, whatever becomes of single machines."""
        return self.site.networks is not None and self.site.networks.capabilities.api_load_balancer

    def look(self, machines: Sequence[MachineView], network: Network) -> tuple[MachineView, ...]:
        """The machines with what the cluster says of their nodes; the same where it is not asked."""
        if not self.awaits_nodes:
            return tuple(machines)
        self._nodes = {}
        api = self._reach(self.inviting.endpoint(network, machines)) if in_group(machines, CONTROL_PLANE) else None
        self.leaving.api = None
        if api is not None:
            try:
                self._nodes = {name_of(node): node for node in api.list(NODES)}
                self.leaving.sayings = read_sayings(api)
                if self.declaration.keeps_etcd:
                    self.members.read(api, present(machines), self.site.clock.now())
                self.leaving.api = api
            except CloudK8sError as error:
                self.site.report(Event("waiting", "the API", str(error)))
        known = states(self._nodes.values())
        seen = tuple(self._with_node(view, known) for view in machines)
        ready = (view for view in in_group(seen, CONTROL_PLANE) if view.node is not None and view.node.is_ready)
        self.leaving.serving = [view.name for view in ready]
        return seen

    def invite(self, requests: Sequence[MachineRequest], network: Network, machines: Iterable[MachineView]) -> None:
        """Let these machines join once they are there. Raises Unreachable."""
        if self.awaits_nodes and self._api is not None:
            self.inviting.invite(self._api, requests, network, machines)

    def tend(self, machines: Sequence[MachineView], network: Network) -> None:
        """Approve what the cloud confirms, take back used tokens, mark nodes."""
        if self.leaving.api is None:
            return
        try:
            Tending(self.site, self.inviting, self.leaving.api, self._nodes).tend(machines, network)
        except CloudK8sError as error:
            self.site.report(Event("failed", "nodes", str(error)))

    def others_turn(self) -> str:
        """Who works on the cluster now instead of this process; nothing where this one may."""
        if self.leaving.api is None or not self.declaration.self_managed:
            return ""
        try:
            return self._turn.take(self.leaving.api, self.site.clock.now())
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
            self._api = self.leaving.api = None

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
        marks = {**marks, **self.leaving.sayings.marks_of(view.machine)}
        votes = self.declaration.keeps_etcd and view.machine.role == "control-plane"
        member = self.members.of(view.name, view.machine.created) if votes else None
        return replace(view, node=node, needs_node=True, marks=marks, member=member, needs_member=votes)
