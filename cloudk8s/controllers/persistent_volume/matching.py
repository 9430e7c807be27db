"""The best volume for a claim: the one reserved for it, or the smallest that does."""

from __future__ import annotations

from collections.abc import Iterable

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, labels_of, name_of, spec_of, status_of
from cloudk8s.controllers.persistent_volume.facts import (
    access_modes,
    attributes_class,
    claim_of,
    class_of,
    has_access_of,
    has_mode_of,
    is_bound_to,
    size_of,
    wanted_size,
)
from cloudk8s.machinery import labels


def best_match(claim: Object, volumes: Iterable[Object], *, reserved_only: bool) -> Object | None:
    """Pick one; with `reserved_only` (the scheduler will choose) nothing but what is reserved for the claim."""
    size = wanted_size(claim)
    candidates = [volume for volume in volumes if _may_serve(volume, claim) and not size_of(volume) < size]
    reserved = sorted((volume for volume in candidates if is_bound_to(volume, claim)), key=_fewest_modes)
    if reserved:
        return reserved[0]
    free = () if reserved_only else [volume for volume in candidates if _is_free_for(volume, claim)]
    return min(free, key=_smallest, default=None)


def _may_serve(volume: Object, claim: Object) -> bool:
    if is_deleting(volume) or not has_mode_of(volume, claim) or not has_access_of(volume, claim):
        return False
    if attributes_class(volume) != attributes_class(claim):
        return False
    return claim_of(volume) is None or is_bound_to(volume, claim)


def _is_free_for(volume: Object, claim: Object) -> bool:
    if status_of(volume).get("phase") != "Available" or class_of(volume) != class_of(claim):
        return False
    selector = spec_of(claim).get("selector")
    return selector is None or labels.from_object(selector).matches(labels_of(volume))


def _smallest(volume: Object) -> tuple[int, float, str]:
    return len(access_modes(volume)), float(size_of(volume)), name_of(volume)


def _fewest_modes(volume: Object) -> tuple[int, str]:
    """Volumes that can do less come first, so that those that can do more stay for claims that need it."""
    return len(access_modes(volume)), name_of(volume)
