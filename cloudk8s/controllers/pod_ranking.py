"""Which pods go first when there are too many: upstream's order, so that scaling down disturbs least."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cmp_to_key

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, spec_of, status_of, uid_of
from cloudk8s.controllers.pods import is_active, is_ready, phase, ready_since
from cloudk8s.machinery.times import parse_time

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def pods_to_delete(pods: Sequence[Object], related: Sequence[Object], count: int, now: datetime) -> list[Object]:
    """The `count` pods that go; `related` are all pods of the same purpose, for spreading over nodes.

    Order: not assigned before assigned, pending before running, not ready before ready, lower deletion cost, more
    related pods on its node, ready for less long, more restarts, younger.
    """
    if count >= len(pods):
        return list(pods)
    on_node = _active_by_node(related)

    def compare(one: Object, other: Object) -> int:
        return _compare(one, other, on_node, now)

    return sorted(pods, key=cmp_to_key(compare))[:count]


def _active_by_node(pods: Sequence[Object]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for pod in pods:
        if is_active(pod):
            node = spec_of(pod).get("nodeName", "")
            counts[node] = counts.get(node, 0) + 1
    return counts


def _compare(one: Object, other: Object, on_node: Mapping[str, int], now: datetime) -> int:
    for key in (_is_assigned, _phase, is_ready, _deletion_cost):
        if (difference := key(one) - key(other)) != 0:
            return difference
    nodes = spec_of(one).get("nodeName", ""), spec_of(other).get("nodeName", "")
    if nodes[0] and nodes[1] and (difference := on_node.get(nodes[1], 0) - on_node.get(nodes[0], 0)) != 0:
        return difference
    if is_ready(one) and (difference := _younger_first(ready_since(one), ready_since(other), one, other, now)) != 0:
        return difference
    if (difference := _restarts(other) - _restarts(one)) != 0:
        return difference
    return _younger_first(_created(one), _created(other), one, other, now)


def _is_assigned(pod: Object) -> int:
    return 1 if spec_of(pod).get("nodeName") else 0


def _phase(pod: Object) -> int:
    return _PHASES.get(phase(pod), 0)


def _deletion_cost(pod: Object) -> int:
    text = annotations_of(pod).get(DELETION_COST, "0")
    try:
        return int(text)
    except ValueError:
        return 0


def _restarts(pod: Object) -> int:
    return max((item.get("restartCount", 0) for item in status_of(pod).get("containerStatuses") or ()), default=0)


def _created(pod: Object) -> datetime | None:
    created = pod["metadata"].get("creationTimestamp")
    return parse_time(created) if created else None


def _younger_first(first: datetime | None, second: datetime | None, one: Object, other: Object, now: datetime) -> int:
    """Compare by age on a logarithmic scale, then by UID: pods of about the same age go in random order."""
    if first == second:
        return 0
    if first is None or second is None:
        return -1 if first is None else 1
    if (difference := _magnitude(now, first) - _magnitude(now, second)) != 0:
        return difference
    return -1 if uid_of(one) < uid_of(other) else 1


def _magnitude(now: datetime, then: datetime) -> int:
    nanoseconds = (now - then).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1
