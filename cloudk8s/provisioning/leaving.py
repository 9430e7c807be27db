"""How machines of a cluster may go: emptied, let go by whom they have promised to, and forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cloudk8s.client.http import Unreachable
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.provisioning.bootstrap.interface import BootstrapMethod, KeepsMembers
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.machines.decision import Decision, Deletion
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.membership import Membership, present
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.closing import closing, emptied_since, opening
from cloudk8s.provisioning.nodes.emptying import empty
from cloudk8s.provisioning.objects.reading import Sayings, held_by_hook
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site

Remedied = dict[str, set[str]]
"""Machines that were not well and were to be replaced, by group, since all was well last."""
CONTROL_PLANE_SECONDS: Final = 60.0
"""How long pods may take to leave a machine of the control plane."""


@dataclass(slots=True)
class Leaving:
    """What one command remembers of machines that it takes away."""

    site: Site
    declaration: ClusterDeclaration
    method: BootstrapMethod
    members: Membership
    api: ClusterApi | None = None
    """Where machines are nodes, and the API answered when it was asked last."""
    sayings: Sayings = field(default_factory=Sayings)
    serving: list[str] = field(default_factory=list)
    """Machines of the control plane whose nodes are ready."""
    known: Remedied = field(default_factory=dict)
    """Who looks after a cluster turn by turn keeps it between them."""

    def remedied(self, decision: Decision) -> tuple[list[Deletion], dict[str, str]]:
        """What is deleted now, unless too many replacements in a row have not helped."""
        remedies = [entry for entry in decision.delete if entry.is_remedy]
        if not remedies and decision.is_settled:
            self.known.pop(decision.group, None)
        before = self.known.setdefault(decision.group, set()) if remedies else set()
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
        staying = [name for name in self.serving if name not in going]
        for view in views:
            if reason := self._keeps(view) or self._member_keeps(view, staying):
                waiting[f"machine {view.name}"] = reason
            else:
                ready.append(view)
        return ready, waiting

    def let_go(self, machines: Iterable[MachineView]) -> None:
        """Ask members of etcd to leave whose machines shall go, and nobody else."""
        if self.api is None or not self.declaration.keeps_etcd:
            return
        try:
            self.members.ask(self.api, present(machines))
        except CloudK8sError as error:
            self.site.report(Event("failed", "members of etcd", str(error)))

    def reopen(self, machines: Iterable[MachineView], going: Collection[str]) -> None:
        """Let pods onto nodes again that were closed for machines which are to stay after all."""
        for view in machines if self.api is not None else ():
            if view.node is None or not view.exists or view.machine.id in going:
                continue
            if (patch := opening(view.node)) is not None:
                try:
                    self.api.patch(NODES, view.name, patch)  # type: ignore[union-attr]
                except CloudK8sError as error:
                    self.site.report(Event("failed", f"node {view.name}", str(error)))

    def forget(self, machines: Iterable[Machine]) -> None:
        """Delete the nodes of machines that go."""
        if self.api is not None:
            for machine in machines:
                try:
                    self.api.delete(NODES, machine.name)
                except CloudK8sError as error:
                    self.site.report(Event("failed", f"node {machine.name}", str(error)))

    def _member_keeps(self, view: MachineView, staying: Sequence[str]) -> str:
        """What its member of etcd has against a machine's going, while others of the control plane stay."""
        if view.machine.role != "control-plane" or self.api is None:
            return ""
        method: object = self.method
        if isinstance(method, KeepsMembers):
            try:
                return method.member_keeps(self.api, view.name, staying)
            except CloudK8sError as error:
                return f"nobody can tell of its member of etcd: {error}"
        return self.members.keeps(view.name) if self.declaration.keeps_etcd else ""

    def _keeps(self, view: MachineView) -> str:
        """What keeps a machine from being deleted."""
        if self.api is None:
            return ""
        if reason := held_by_hook(view.marks, is_empty=False):
            return reason
        return self._drained(self.api, view) or held_by_hook(view.marks, is_empty=True)

    def _drained(self, api: ClusterApi, view: MachineView) -> str:
        """What is still on a node that can be emptied."""
        if view.node is None or not view.node.is_ready or view.machine.state != "running":
            return ""
        pool = self.declaration.pool(view.group)
        limit = pool.rollout.drain_timeout.total_seconds() if pool is not None else CONTROL_PLANE_SECONDS
        now, since = self.site.clock.now(), emptied_since(view.node)
        if since is not None and limit and (now - since).total_seconds() > limit:
            self.site.report(Event("failed", f"node {view.name}", f"is not empty after {limit:.0f} s; it goes anyway"))
            return ""
        try:
            if since is None:
                api.patch(NODES, view.name, closing(view.node, now))
            return empty(api, view.name, self.sayings.drain_plan(api, view.name))
        except (NotFound, Unreachable):
            return ""
