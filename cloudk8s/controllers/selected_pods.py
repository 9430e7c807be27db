"""Pods that a label selector selects, found by an index on their labels instead of by looking at all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, namespace_of
from cloudk8s.machinery.labels import Selector

BY_LABEL = "label"
"""Name of the index made with `label_pairs`."""


def label_pairs(pod: Object) -> Iterable[str]:
    """Index function: `NAMESPACE/NAME=VALUE` for each label."""
    namespace = namespace_of(pod)
    return [f"{namespace}/{name}={value}" for name, value in labels_of(pod).items()]


def selected(pods: Informer, namespace: str, selector: Selector) -> list[Object]:
    """The pods of a namespace that the selector selects; `pods` has index "label"."""
    if selector.is_nothing:
        return []
    return [pod for pod in _candidates(pods, namespace, selector) if selector.matches(labels_of(pod))]


def _candidates(pods: Informer, namespace: str, selector: Selector) -> Sequence[Object]:
    """The fewest pods among which all that match are."""
    pairs = [
        [f"{namespace}/{term.key}={value}" for value in term.values]
        for term in selector.requirements
        if term.operator in ("=", "==", "in")
    ]
    if not pairs:
        return pods.list(namespace)
    fewest = min(pairs, key=lambda values: sum(pods.count(BY_LABEL, value) for value in values))
    return [pod for value in fewest for pod in pods.by_index(BY_LABEL, value)]
