"""Pods that are alike in everything that a decision may depend on, decided together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import codec
from cloudk8s.provisioning.autoscaler.volumes import NO_NEEDS, Needs, Volumes
from cloudk8s.scheduler.plugins.volume_restrictions import DISKS
from cloudk8s.scheduler.pod.affinity import AffinityTerm
from cloudk8s.scheduler.pod.requests import PODS
from cloudk8s.scheduler.pod.shape import Shape, parse_shape, shape_key
from cloudk8s.scheduler.pod.spread import HOSTNAME, ZONE

DEVICES = "asks for devices of resource claims, and nothing tells what devices a new machine would have"
Namespaces = Mapping[str, Mapping[str, str]]
"""The labels of namespaces, by name."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What pods refer to."""

    volumes: Volumes = field(default_factory=Volumes)
    namespaces: Namespaces = field(default_factory=dict)


NOWHERE = Surroundings()


@dataclass(eq=False)
class Demand:
    """So many pods of one shape."""

    shape: Shape
    placing: bytes
    """Equal for demands that the same nodes suit, resources and other pods apart."""
    needs: Needs = NO_NEEDS
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    pods: list[str] = field(default_factory=list)
    """Their keys, in order."""

    @cached_property
    def requests(self) -> dict[str, int]:
        """What one of them takes, itself included."""
        return {**self.shape.requests, **dict(self.needs.attached), PODS: 1}

    @property
    def problem(self) -> str:
        """Why no machine at all would help; empty if one might."""
        return DEVICES if self.shape.claims else self.needs.problem

    @cached_property
    def per_node(self) -> int | None:
        """How many may share a node at the most, by host ports, disks, anti-affinity and spread; None is any number."""
        limits = [
            constraint.max_skew for constraint in self.shape.spread
            if constraint.is_required and constraint.topology_key == HOSTNAME and constraint.matches_self
        ]  # fmt: skip
        if self.shape.ports or self.shape.volumes or self._avoids_itself(HOSTNAME):
            limits.append(1)
        return min(limits, default=None)

    @cached_property
    def per_zone(self) -> int | None:
        """How many may share a zone at the most."""
        return 1 if self._avoids_itself(ZONE) else None

    @cached_property
    def spreads_over_zones(self) -> bool:
        """Whether zones have to have about the same number of them."""
        return any(each.is_required and each.topology_key == ZONE and each.matches_self for each in self.shape.spread)

    def _avoids_itself(self, key: str) -> bool:
        terms = self.shape.affinity.required_anti
        return any(term.topology_key == key and is_matched(term, self) for term in terms)


def demands_of(pods: Iterable[Object], around: Surroundings = NOWHERE) -> list[Demand]:
    """Group pods, in the order of the first of each group. Volumes count by what they ask, not by their names."""
    found: dict[tuple[bytes, Needs], Demand] = {}
    for pod in pods:
        bare, needs = pod, NO_NEEDS
        if spec_of(pod).get("volumes"):
            bare, needs = _with_disks_only(pod), around.volumes.needs(pod)
        key = shape_key(bare)
        demand = found.get((key, needs))
        if demand is None:
            shape = parse_shape(key, bare)
            labels = around.namespaces.get(shape.namespace, {})
            demand = found[key, needs] = Demand(shape, _placing(bare, shape, needs), needs, labels)
        demand.pods.append(f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}")
    return list(found.values())


def _with_disks_only(pod: Object) -> Object:
    disks = [volume for volume in pod["spec"]["volumes"] if any(volume.get(kind) for kind in DISKS)]
    return {**pod, "spec": {**pod["spec"], "volumes": disks}}


def _placing(pod: Object, shape: Shape, needs: Needs) -> bytes:
    spec = pod["spec"]
    near = (spec.get("affinity") or {}).get("nodeAffinity")
    parts = [
        spec.get("nodeSelector"),
        near,
        spec.get("tolerations"),
        shape.features,
        [str(port) for port in shape.ports],
    ]
    return codec.encode_sorted([*parts, repr(needs.places) if needs.places else ""])


def in_order(demands: Sequence[Demand], largest: Mapping[str, int]) -> list[Demand]:
    """By priority, then by the share of the largest machine that one pod takes; those that follow others come last."""

    def size(demand: Demand) -> float:
        return max((need / largest[name] for name, need in demand.requests.items() if largest.get(name)), default=0.0)

    def rank(demand: Demand) -> tuple[int, bool, float, bytes, bytes]:
        return -demand.shape.priority, follows(demand), -size(demand), demand.shape.key, demand.placing

    return sorted(demands, key=rank)


def follows(demand: Demand) -> bool:
    """Whether it has to be near pods that are not its own."""
    return any(not is_matched(term, demand) for term in demand.shape.affinity.required)


def is_matched(term: AffinityTerm, demand: Demand) -> bool:
    """Whether a term of (anti-)affinity selects the pods of a demand."""
    return term.matcher.matches(demand.shape.namespace, demand.shape.labels, demand.namespace_labels)
