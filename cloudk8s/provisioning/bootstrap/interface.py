"""What a bootstrap method is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration
from cloudk8s.provisioning.declaration.pool import MachineDeclaration

if TYPE_CHECKING:
    from cloudk8s.provisioning.nodes.api import ClusterApi

DEFAULT_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a cluster when user data is written."""

    declaration: ClusterDeclaration
    seed: Seed = field(repr=False)
    endpoint: str
    """Host and port of the API; empty where the first machine will be it."""
    predecessor: str = ""
    """Address of the machine whose place a new one of the control plane takes, with all that it has stored."""
    network: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The machine's place, as the provider tells it."""
    is_shared: bool = False
    """Machines that are made together have one user data."""
    is_first: bool = False
    """There is no machine of the control plane yet: this one makes the cluster that others join."""

    def of_group(self, name: str) -> MachineDeclaration:
        """What is declared of a group's machines."""
        pool = self.declaration.pool(name)
        return self.declaration.control_plane if name == CONTROL_PLANE or pool is None else pool

    def taints(self, group: str) -> Sequence[Mapping[str, str]]:
        """Taints of a group's nodes; those of the control plane leave pods to the workers, where there are any."""
        declared = [taint.model_dump(exclude_defaults=True) for taint in self.of_group(group).taints]
        has_workers = any(pool.replicas for pool in self.declaration.pools)
        if group == CONTROL_PLANE and not declared and has_workers:
            return [DEFAULT_TAINT]
        return [{"effect": "NoSchedule", **taint} for taint in declared]


class BootstrapMethod(Protocol):
    """Writes user data. Made from `bootstrap.options` of a cluster file; SettingsError for what it can't take."""

    @property
    def joins(self) -> bool:
        """Machines become nodes of a cluster whose API can be asked; False makes nobody wait for them."""

    @property
    def grows(self) -> bool:
        """The control plane may have more than one machine."""

    @property
    def shares_user_data(self) -> bool:
        """Machines may find out by themselves which of those that were made together they are."""

    def control_plane(self, facts: Facts, request: MachineRequest) -> bytes:
        """User data of a machine of the control plane. Pure."""

    def worker(self, facts: Facts, request: MachineRequest) -> bytes:
        """User data of a worker, the same for all of a pool; `NAMES` stands for their names. Pure."""

    def join_secret(self, facts: Facts, request: MachineRequest) -> str:
        """What `machine_token` makes a worker's token of."""

    def configuration(self, facts: Facts, group: str) -> Mapping[str, Any] | None:
        """What a worker of a group asks the API for; None where it needs nothing more."""


@runtime_checkable
class KeepsMembers(Protocol):
    """A `BootstrapMethod` whose machines of the control plane are members of what they have to leave first."""

    def member_keeps(self, api: ClusterApi, machine: str, others: Sequence[str]) -> str:
        """What keeps a machine that shall go, empty if nothing does; it is let go from now on.

        `others` are names of machines of the control plane that stay and serve. Raises what the API answers.
        """
