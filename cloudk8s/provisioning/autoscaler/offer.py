"""A machine that could be made, and a node that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object
from cloudk8s.scheduler.pod.ports import HostPort
from cloudk8s.scheduler.pod.requests import Amounts
from cloudk8s.scheduler.pod.toleration import Taint

UNKNOWN_PRICE_PER_CPU = 0.05
"""Dollars an hour that count for machines whose price nobody knows, so that smaller ones are still preferred."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of machine of a pool, in one zone."""

    pool: str
    type: str
    zone: str
    allocatable: Amounts
    """What pods may use, in the scheduler's units; `pods` is how many."""
    price_per_hour: float = 0.0
    """Dollars; 0 is not known."""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    taints: tuple[Taint, ...] = ()
    room: int | None = None
    """How many more the pool may have; None is any number. Offers of one pool share it."""
    ports: tuple[HostPort, ...] = ()
    """Host ports that its DaemonSets take."""
    features: frozenset[str] = frozenset()
    """What its node will declare."""

    @property
    def cost(self) -> float:
        """What to compare by."""
        return self.price_per_hour or UNKNOWN_PRICE_PER_CPU * self.allocatable.get("cpu", 0) / 1000


@dataclass(frozen=True, slots=True)
class StandingNode:
    """A node with the pods that are on it; pods of DaemonSets count, and do not keep it."""

    name: str
    allocatable: Amounts
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    taints: tuple[Taint, ...] = ()
    pods: tuple[Object, ...] = field(default=(), hash=False)
    pool: str = ""
    cost: float = 0.0
    accepts: bool = True
    """False for nodes that are cordoned, not ready or going."""
    held: str = ""
    """Why the node itself has to stay; empty if it may go."""
    features: frozenset[str] = frozenset()

    @property
    def ports(self) -> tuple[HostPort, ...]:
        """None beside those of its pods."""
        return ()

    @property
    def zone(self) -> str:
        return self.labels.get("topology.kubernetes.io/zone", "")
