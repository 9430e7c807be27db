"""Pods that are alike in everything that a decision may depend on, decided together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object
from cloudk8s.machinery import codec
from cloudk8s.scheduler.pod.affinity import AffinityTerm
from cloudk8s.scheduler.pod.requests import PODS
from cloudk8s.scheduler.pod.shape import Shape, parse_shape, shape_key
from cloudk8s.scheduler.pod.spread import HOSTNAME, ZONE

_PLACING = ("nodeSelector", "affinity", "tolerations")


@dataclass(slots=True, eq=False)
class Demand:
    """So many pods of one shape."""

    shape: Shape
    placing: bytes
    """Equal for demands that the same nodes suit, resources apart."""
    pods: list[str] = field(default_factory=list)
    """Their keys, in order."""

    @property
    def requests(self) -> dict[str, int]:
        """What one of them takes, itself included."""
        return {**self.shape.requests, PODS: 1}

    @property
    def per_node(self) -> int | None:
        """How many may share a node at the most, by host ports, anti-affinity and spread; None is any number."""
        limits = [
            constraint.max_skew for constraint in self.shape.spread
            if constraint.is_required and constraint.topology_key == HOSTNAME and constraint.matches_self
        ]  # fmt: skip
        if self.shape.ports or self._avoids_itself(HOSTNAME):
            limits.append(1)
        return min(limits, default=None)

    @property
    def per_zone(self) -> int | None:
        """How many may share a zone at the most."""
        return 1 if self._avoids_itself(ZONE) else None

    @property
    def spreads_over_zones(self) -> bool:
        """Whether zones have to have about the same number of them."""
        return any(each.is_required and each.topology_key == ZONE and each.matches_self for each in self.shape.spread)

    def _avoids_itself(self, key: str) -> bool:
        terms = self.shape.affinity.required_anti
        return any(term.topology_key == key and is_matched(term, self.shape) for term in terms)


def demands_of(pods: Iterable[Object]) -> list[Demand]:
    """Group pods; larger and more important ones come first, and equal input gives equal output."""
    found: dict[bytes, Demand] = {}
    for pod in pods:
        key = shape_key(pod)
        demand = found.get(key)
        if demand is None:
            placing = codec.encode_sorted([pod["spec"].get(name) for name in _PLACING])
            demand = found[key] = Demand(parse_shape(key, pod), placing)
        demand.pods.append(f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}")
    return list(found.values())


def in_order(demands: Sequence[Demand], largest: dict[str, int]) -> list[Demand]:
    """By priority, then by the share of the largest machine that one pod takes; those that follow others come last."""

    def size(demand: Demand) -> float:
        return max((need / largest[name] for name, need in demand.requests.items() if largest.get(name)), default=0.0)

    def rank(demand: Demand) -> tuple[int, bool, float, bytes]:
        return -demand.shape.priority, follows(demand), -size(demand), demand.shape.key

    return sorted(demands, key=rank)


def follows(demand: Demand) -> bool:
    """Whether it has to be near pods that are not its own."""
    return any(not is_matched(term, demand.shape) for term in demand.shape.affinity.required)


def is_matched(term: AffinityTerm, shape: Shape) -> bool:
    """Whether a term of (anti-)affinity selects pods of a shape; namespaces by label are not known here."""
    return term.matcher.matches(shape.namespace, shape.labels, {})
