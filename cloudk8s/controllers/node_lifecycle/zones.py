"""How fast nodes of a zone may be given up: slower when many are down, for then it is the network, not the nodes."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of
from cloudk8s.client.rate_limit import RateLimit
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.machinery.clock import Clock

MANY = 2
"""Zones with at most this many nodes not ready are never called disrupted in part."""


class Disruption(Enum):
    """The state of a zone."""

    NONE = "Normal"
    PARTIAL = "PartialDisruption"
    FULL = "FullDisruption"


def zone_of(node: Object) -> str:
    """The zone that a node is in; empty for nodes that do not say."""
    labels = labels_of(node)
    region = labels.get("topology.kubernetes.io/region", labels.get("failure-domain.beta.kubernetes.io/region", ""))
    zone = labels.get("topology.kubernetes.io/zone", labels.get("failure-domain.beta.kubernetes.io/zone", ""))
    return f"{region}:{zone}" if region or zone else ""


def disruption(ready: int, not_ready: int, threshold: float) -> Disruption:
    """What so many ready and not ready nodes make of a zone."""
    if ready == 0 and not_ready > 0:
        return Disruption.FULL
    if not_ready > MANY and not_ready / (ready + not_ready) >= threshold:
        return Disruption.PARTIAL
    return Disruption.NONE


class ZoneQueue:
    """Nodes of one zone that wait to be given up, oldest first, at the zone's rate."""

    def __init__(self, clock: Clock, rate: float) -> None:
        self._clock = clock
        self._rate = -1.0
        self._waiting: dict[str, None] = {}
        self.set_rate(rate)

    def __len__(self) -> int:
        return len(self._waiting)

    def set_rate(self, rate: float) -> None:
        """Nodes per second; 0 gives up none."""
        if rate != self._rate:
            self._rate = rate
            self._limit = RateLimit(self._clock, qps=rate, burst=1)

    def add(self, name: str) -> None:
        self._waiting.setdefault(name)

    def remove(self, name: str) -> None:
        self._waiting.pop(name, None)

    def take(self) -> str | None:
        """The next node if the rate allows one now."""
        if not self._waiting or self._rate <= 0 or not self._limit.try_take():
            return None
        name = next(iter(self._waiting))
        del self._waiting[name]
        return name


class Zones:
    """The zones of the cluster, and the rates that follow from their states."""

    def __init__(self, clock: Clock, settings: ControllerSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._queues: dict[str, ZoneQueue] = {}
        self.is_everything_down = False
        """Every zone is fully disrupted: we are cut off, so nothing is given up."""

    def queue(self, zone: str) -> ZoneQueue:
        if zone not in self._queues:
            self._queues[zone] = ZoneQueue(self._clock, self._settings.node_eviction_rate)
        return self._queues[zone]

    def queues(self) -> Iterable[ZoneQueue]:
        return self._queues.values()

    def forget(self, name: str) -> None:
        """The node is well again, or gone."""
        for queue in self._queues.values():
            queue.remove(name)

    def update(self, counts: dict[str, tuple[int, int]]) -> tuple[bool, bool]:
        """Set every zone's rate from its ready and not ready nodes; whether everything was, and is, down."""
        threshold = self._settings.unhealthy_zone_threshold
        states = {zone: disruption(*count, threshold) for zone, count in counts.items()}
        was_down = self.is_everything_down
        self.is_everything_down = bool(states) and all(state is Disruption.FULL for state in states.values())
        for zone, state in states.items():
            self.queue(zone).set_rate(0.0 if self.is_everything_down else self._rate(state, sum(counts[zone])))
        return was_down, self.is_everything_down

    def _rate(self, state: Disruption, size: int) -> float:
        if state is not Disruption.PARTIAL:
            return self._settings.node_eviction_rate
        is_large = size > self._settings.large_cluster_size_threshold
        return self._settings.secondary_node_eviction_rate if is_large else 0.0
