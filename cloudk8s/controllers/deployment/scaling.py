"""Proportional scaling: spread a change of `spec.replicas` over the ReplicaSets of a rollout that is under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of
from cloudk8s.controllers.deployment.annotations import MAX_REPLICAS, size
from cloudk8s.controllers.deployment.sets import active, by_creation, count, max_surge, replicas, total


def active_or_latest(new: Object | None, old: Sequence[Object]) -> Object | None:
    """The one ReplicaSet that scaling concerns; None if there are several that have pods."""
    found = active([*([new] if new else []), *old])
    if len(found) > 1:
        return None
    if found:
        return found[0]
    return new or (by_creation(old)[-1] if old else None)


def proportional_sizes(deployment: Object, sets: Sequence[Object]) -> Mapping[str, int]:
    """The size of each ReplicaSet by name, in the order in which they are to be scaled.

    Larger ones get more, newer ones first among equals; what rounding leaves over goes to the first one.
    """
    wanted = replicas(deployment)
    allowed = wanted + max_surge(deployment) if wanted > 0 else 0
    to_add = allowed - total(sets)
    ordered = _by_size(sets, newer_first=to_add > 0)
    sizes: dict[str, int] = {}
    added = 0
    for item in ordered:
        share = _share(deployment, item, to_add, added)
        sizes[name_of(item)] = replicas(item) + share
        added += share
    if ordered and to_add != added:
        first = name_of(ordered[0])
        sizes[first] = max(0, sizes[first] + to_add - added)
    return sizes


def _by_size(sets: Sequence[Object], *, newer_first: bool) -> list[Object]:
    ordered = by_creation(sets)
    if newer_first:
        ordered.reverse()
    return sorted(ordered, key=replicas, reverse=True)


def _share(deployment: Object, item: Object, to_add: int, added: int) -> int:
    if replicas(item) == 0 or to_add in (0, added):
        return 0
    share, left = _fraction(deployment, item), to_add - added
    return min(share, left) if to_add > 0 else max(share, left)


def _fraction(deployment: Object, item: Object) -> int:
    """How much a ReplicaSet changes when it keeps its part of the whole."""
    if replicas(deployment) == 0:
        return -replicas(item)
    most_now = replicas(deployment) + max_surge(deployment)
    most_before = size(item, MAX_REPLICAS) or count(deployment, "replicas")
    if not most_before:
        return 0
    return _rounded(replicas(item) * most_now, most_before) - replicas(item)


def _rounded(numerator: int, denominator: int) -> int:
    """Division of whole numbers, halves rounded up."""
    return (2 * numerator + denominator) // (2 * denominator)
