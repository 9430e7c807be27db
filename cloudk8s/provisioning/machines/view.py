"""Machines as they are: what the cloud runs, with what the cluster says of their nodes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cloudk8s.cloud.model.machine import Machine
from cloudk8s.controlplane.machine.etcd.roll import Entry
from cloudk8s.provisioning.machines.template import POOL_TAG, TEMPLATE_TAG, VERSION_TAG

INTERRUPTED = "cloudk8s.io/interrupted"
"""Tag of a machine that the cloud is about to take; its value says what was said."""
PROMISED = "promised:"
"""Ids of machines that are not there yet begin with it."""
Phase = Literal["Pending", "Provisioning", "Provisioned", "Running", "Deleting", "Deleted", "Failed", "Unknown"]


@dataclass(frozen=True, slots=True)
class NodeState:
    """What the cluster's own API says of a machine's node."""

    name: str
    is_ready: bool
    version: str = ""
    unhealthy_since: datetime | None = None
    reason: str = ""
    is_closed: bool = False
    """It takes no new pods."""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class MachineView:
    """One machine, and its node where the cluster can be asked."""

    machine: Machine
    node: NodeState | None = None
    needs_node: bool = False
    """Whether it serves only once it is a node: nodes can be asked for."""
    marks: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Annotations that people or controllers gave it."""
    member: Entry | None = None
    """Its member of the control plane's etcd, where there is one that can be asked for."""
    needs_member: bool = False
    """Whether it serves only once it votes in etcd: a node of its name may be that of a machine before it."""

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def group(self) -> str:
        """The pool, or the control plane."""
        return self.machine.tags.get(POOL_TAG) or self.machine.pool or self.machine.role

    @property
    def template(self) -> str:
        """Hash of the template it was made from."""
        return self.machine.tags.get(TEMPLATE_TAG, "")

    @property
    def version(self) -> str:
        return self.machine.tags.get(VERSION_TAG, "")

    @property
    def is_promised(self) -> bool:
        """Its group wants it, and the cloud has not made it yet."""
        return self.machine.id.startswith(PROMISED)

    @property
    def interrupted(self) -> str:
        """Why the cloud is about to take it; empty where it is not."""
        return self.machine.tags.get(INTERRUPTED, "")

    @property
    def exists(self) -> bool:
        """It runs, or is about to."""
        return self.machine.state in ("pending", "running", "stopped")

    @property
    def is_available(self) -> bool:
        """It serves."""
        if self.machine.state != "running":
            return False
        if self.needs_member and (self.member is None or self.member.is_learner or not self.member.is_healthy):
            return False
        return not self.needs_node or (self.node is not None and self.node.is_ready)

    @property
    def phase(self) -> Phase:
        """For display only, never for decisions."""
        state = self.machine.state
        if state in ("deleting", "gone"):
            return "Deleting" if state == "deleting" else "Deleted"
        if state == "pending":
            return "Provisioning"
        if state == "stopped":
            return "Failed"
        return "Running" if self.node is not None else "Provisioned"


def in_group(machines: Iterable[MachineView], group: str) -> Sequence[MachineView]:
    """Machines of one group that exist, in the order of their names."""
    return sorted((entry for entry in machines if entry.exists and entry.group == group), key=lambda entry: entry.name)
