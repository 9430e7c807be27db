"""What a cluster is told of its machines while they become nodes: approvals, tokens, marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS, NODES, SECRETS
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.cloud.model.network import Network
from cloudk8s.controllers.bootstrap_tokens import NAMESPACE, TYPE
from cloudk8s.machinery.times import format_time
from cloudk8s.provisioning.bootstrap.interface import Facts
from cloudk8s.provisioning.inviting import Inviting
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.approval import judge
from cloudk8s.provisioning.nodes.marking import Marks, patch_of
from cloudk8s.provisioning.nodes.tokens import machine_of
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site


@dataclass(slots=True)
class Tending:
    """One look's work on nodes."""

    site: Site
    inviting: Inviting
    api: ClusterApi
    nodes: Mapping[str, Object]
    """By name."""

    def tend(self, machines: Sequence[MachineView], network: Network) -> None:
        """Approve what the cloud confirms, take back used tokens, mark nodes."""
        api = self.api
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
        self._remind(machines, network, set(ours.values()))
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
            self._mark(view)

    def _remind(self, machines: Sequence[MachineView], network: Network, invited: set[str]) -> None:
        """Invite machines that are there, have no node, and have no token any more."""
        for view in machines:
            machine = view.machine
            if (
                self.inviting.is_invited(machine.role)
                and view.exists
                and not view.is_promised
                and view.node is None
                and view.name not in invited
            ):
                request = MachineRequest(machine.uid, machine.name, machine.cluster, machine.role, view.group)
                self.inviting.invite(self.api, [request], network, machines)

    def _mark(self, view: MachineView) -> None:
        node = self.nodes.get(view.name)
        if node is None or not view.exists:
            return
        facts = Facts(self.inviting.declaration, self.site.seeds.ensure(), "")
        declared = facts.of_group(view.group)
        marks = Marks(
            facts.declaration.name, view.name, view.group, view.machine.provider_id, declared.labels,
            facts.taints(view.group),
        )  # fmt: skip
        if (patch := patch_of(node, marks)) is not None:
            self.api.patch(NODES, view.name, patch)
