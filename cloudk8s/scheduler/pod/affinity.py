"""Affinity and anti-affinity between pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.machinery import labels
from cloudk8s.machinery.labels import Selector


@dataclass(frozen=True, slots=True)
class PodMatcher:
    """Selects pods by labels and namespace; two that say the same are equal."""

    namespaces: frozenset[str]
    namespace_selector: Selector
    """Selects further namespaces by their labels."""
    selector: Selector

    def matches(self, namespace: str, pod_labels: Mapping[str, str], namespace_labels: Mapping[str, str]) -> bool:
        """Whether a pod in a namespace with these labels is selected."""
        if namespace not in self.namespaces and not self.namespace_selector.matches(namespace_labels):
            return False
        return self.selector.matches(pod_labels)


@dataclass(frozen=True, slots=True)
class AffinityTerm:
    """Pods to be near to, or away from, and how far a domain reaches."""

    matcher: PodMatcher
    topology_key: str


@dataclass(frozen=True, slots=True)
class PodAffinity:
    """All a pod says about other pods."""

    required: tuple[AffinityTerm, ...] = ()
    required_anti: tuple[AffinityTerm, ...] = ()
    preferred: tuple[tuple[int, AffinityTerm], ...] = ()
    """Weights are negative for anti-affinity."""


NONE = PodAffinity()


def pod_affinity(spec: Mapping[str, Any], namespace: str) -> PodAffinity:
    """What a pod of `namespace` says."""
    affinity = spec.get("affinity")
    if not affinity:
        return NONE
    near, away = affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}
    if not near and not away:
        return NONE
    hard, soft = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
    preferred = (*_weighted(near.get(soft), namespace, 1), *_weighted(away.get(soft), namespace, -1))
    return PodAffinity(_terms(near.get(hard), namespace), _terms(away.get(hard), namespace), preferred)


def term(item: Mapping[str, Any], namespace: str) -> AffinityTerm:
    """A core/v1 PodAffinityTerm of a pod in `namespace`."""
    names = frozenset(item.get("namespaces") or ())
    by_labels = item.get("namespaceSelector")
    if not names and by_labels is None:
        names = frozenset((namespace,))
    matcher = PodMatcher(names, labels.from_object(by_labels), labels.from_object(item.get("labelSelector")))
    return AffinityTerm(matcher, item.get("topologyKey", ""))


def _terms(items: Iterable[Mapping[str, Any]] | None, namespace: str) -> tuple[AffinityTerm, ...]:
    return tuple(term(item, namespace) for item in items or ())


def _weighted(
    items: Iterable[Mapping[str, Any]] | None, namespace: str, sign: int
) -> Iterable[tuple[int, AffinityTerm]]:
    for item in items or ():
        yield sign * int(item.get("weight", 0)), term(item.get("podAffinityTerm") or {}, namespace)
