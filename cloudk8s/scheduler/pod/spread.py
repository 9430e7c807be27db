"""Topology spread constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.machinery import labels
from cloudk8s.machinery.labels import Selector, requirement
from cloudk8s.scheduler.pod.affinity import PodMatcher

HOSTNAME: Final = "kubernetes.io/hostname"
ZONE: Final = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """How far the number of matching pods may differ between domains."""

    max_skew: int
    topology_key: str
    is_required: bool
    matcher: PodMatcher
    min_domains: int = 1
    honours_affinity: bool = True
    honours_taints: bool = False
    matches_self: bool = True


def spread_constraints(
    items: Iterable[Mapping[str, Any]] | None, namespace: str, pod_labels: Mapping[str, str]
) -> tuple[SpreadConstraint, ...]:
    """What a pod of `namespace` with these labels says."""
    return tuple(_constraint(item, namespace, pod_labels) for item in items or ())


def same_namespace(namespace: str, selector: Selector) -> PodMatcher:
    """Selects pods of one namespace."""
    return PodMatcher(frozenset((namespace,)), labels.NOTHING, selector)


def _constraint(item: Mapping[str, Any], namespace: str, pod_labels: Mapping[str, str]) -> SpreadConstraint:
    selector = labels.from_object(item.get("labelSelector"))
    if keys := [key for key in item.get("matchLabelKeys") or () if key in pod_labels]:
        own = [requirement(key, "in", [pod_labels[key]]) for key in keys]
        selector = Selector((*selector.requirements, *own), is_nothing=selector.is_nothing)
    return SpreadConstraint(
        max_skew=int(item.get("maxSkew", 1)),
        topology_key=item.get("topologyKey", ""),
        is_required=item.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule",
        matcher=same_namespace(namespace, selector),
        min_domains=int(item.get("minDomains") or 1),
        honours_affinity=item.get("nodeAffinityPolicy", "Honor") == "Honor",
        honours_taints=item.get("nodeTaintsPolicy", "Ignore") == "Honor",
        matches_self=selector.matches(pod_labels),
    )
