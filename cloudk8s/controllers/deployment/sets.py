"""The arithmetic of rollouts: pure functions of a Deployment and its ReplicaSets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of, status_of
from cloudk8s.controllers.deployment.annotations import DESIRED_REPLICAS, size
from cloudk8s.controllers.deployment.template import is_same
from cloudk8s.machinery.int_or_string import IntOrString, scaled_value

UNLIMITED = 2**31 - 1
"""The value of progressDeadlineSeconds and revisionHistoryLimit that switches them off."""


def replicas(obj: Object) -> int:
    """`spec.replicas`, 1 where it is not set."""
    value = spec_of(obj).get("replicas")
    return 1 if value is None else int(value)


def count(obj: Object, field: str) -> int:
    """A number of `status`."""
    return int(status_of(obj).get(field) or 0)


def total(sets: Iterable[Object]) -> int:
    """The sizes that ReplicaSets should have, summed."""
    return sum(replicas(item) for item in sets)


def actual(sets: Iterable[Object], field: str = "replicas") -> int:
    """A number of the ReplicaSets' status, summed."""
    return sum(count(item, field) for item in sets)


def available(item: Object) -> int:
    """A ReplicaSet's available pods that stay: its status may be older than its size."""
    return min(replicas(item), count(item, "availableReplicas"))


def active(sets: Iterable[Object]) -> list[Object]:
    """The ReplicaSets that should have pods."""
    return [item for item in sets if replicas(item) > 0]


def by_creation(sets: Iterable[Object]) -> list[Object]:
    return sorted(sets, key=lambda item: (item["metadata"].get("creationTimestamp", ""), name_of(item)))


def is_recreate(deployment: Object) -> bool:
    return bool((spec_of(deployment).get("strategy") or {}).get("type") == "Recreate")


def find_new(deployment: Object, sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet with the Deployment's template; the oldest one if there are several."""
    template = spec_of(deployment)["template"]
    for item in by_creation(sets):
        if is_same(spec_of(item)["template"], template):
            return item
    return None


def max_surge(deployment: Object) -> int:
    """How many pods there may be above `spec.replicas`."""
    return 0 if is_recreate(deployment) else _fenceposts(deployment)[0]


def max_unavailable(deployment: Object) -> int:
    """How many pods may be missing from `spec.replicas`."""
    if is_recreate(deployment) or replicas(deployment) == 0:
        return 0
    return min(_fenceposts(deployment)[1], replicas(deployment))


def new_size(deployment: Object, sets: Sequence[Object], new: Object) -> int:
    """The size that the new ReplicaSet may grow to now."""
    wanted = replicas(deployment)
    if is_recreate(deployment):
        return wanted
    surge = scaled_value(_rolling(deployment, "maxSurge"), wanted, round_up=True)
    room = wanted + surge - total(sets)
    if room <= 0:
        return replicas(new)
    return replicas(new) + min(room, wanted - replicas(new))


def may_scale_down(deployment: Object, sets: Sequence[Object], new: Object | None) -> int:
    """How many pods the old ReplicaSets may lose without going below what must be available.

    Pods of the new ReplicaSet that are not available yet do not count: they may never be.
    """
    new_unavailable = replicas(new) - available(new) if new else 0
    return total(sets) - (replicas(deployment) - max_unavailable(deployment)) - new_unavailable


def is_scaling(deployment: Object, sets: Iterable[Object]) -> bool:
    """Whether `spec.replicas` changed since the ReplicaSets were last sized."""
    wanted = replicas(deployment)
    desired = (size(item, DESIRED_REPLICAS) for item in active(sets))
    return any(number is not None and number != wanted for number in desired)


def is_saturated(deployment: Object, item: Object | None) -> bool:
    """Whether a ReplicaSet has all the pods that the Deployment wants, available, and nothing is left to size."""
    if item is None:
        return False
    wanted = replicas(deployment)
    numbers = {replicas(item), size(item, DESIRED_REPLICAS), count(item, "availableReplicas")}
    return numbers == {wanted}


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether every pod is new and available and there are no others."""
    wanted = replicas(deployment)
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    is_seen = int(status.get("observedGeneration") or 0) >= int(deployment["metadata"].get("generation") or 0)
    return is_seen and all(int(status.get(field) or 0) == wanted for field in fields)


def has_deadline(deployment: Object) -> bool:
    """Whether a rollout can take too long."""
    seconds = spec_of(deployment).get("progressDeadlineSeconds")
    return seconds is not None and seconds != UNLIMITED


def _fenceposts(deployment: Object) -> tuple[int, int]:
    """Surge rounded up and unavailable rounded down; never both 0, or nothing could ever move."""
    wanted = replicas(deployment)
    surge = scaled_value(_rolling(deployment, "maxSurge"), wanted, round_up=True)
    unavailable = scaled_value(_rolling(deployment, "maxUnavailable"), wanted, round_up=False)
    return (0, 1) if surge == 0 and unavailable == 0 else (surge, unavailable)


def _rolling(deployment: Object, field: str) -> IntOrString:
    rolling: Any = (spec_of(deployment).get("strategy") or {}).get("rollingUpdate") or {}
    value: IntOrString = rolling.get(field, "25%")
    return value
