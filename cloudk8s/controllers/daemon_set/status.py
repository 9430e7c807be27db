"""What a DaemonSet's status says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, status_of
from cloudk8s.controllers.daemon_set.placement import Placement
from cloudk8s.controllers.daemon_set.pods import is_updated, oldest_first
from cloudk8s.controllers.daemon_set.settings import min_ready_seconds
from cloudk8s.controllers.pods import is_available, is_ready


def counted(
    daemon_set: Object,
    hash: str,
    nodes: Sequence[Object],
    pods: Mapping[str, Sequence[Object]],
    place: Callable[[Object], Placement],
    now: datetime,
) -> dict[str, Any]:
    """The status with its numbers up to date; zeros are left out where upstream leaves them out."""
    desired = misscheduled = 0
    first = []
    for node in nodes:
        on_node = pods.get(name_of(node))
        if place(node).runs:
            desired += 1
            if on_node:
                first.append(on_node[0] if len(on_node) == 1 else oldest_first(on_node)[0])
        elif on_node:
            misscheduled += 1
    ready = [pod for pod in first if is_ready(pod)]
    seconds = min_ready_seconds(daemon_set)
    available = sum(is_available(pod, seconds, now) for pod in ready)
    required = {
        "currentNumberScheduled": len(first),
        "numberMisscheduled": misscheduled,
        "desiredNumberScheduled": desired,
        "numberReady": len(ready),
    }
    optional = {
        "updatedNumberScheduled": sum(is_updated(daemon_set, pod, hash) for pod in first),
        "numberAvailable": available,
        "numberUnavailable": desired - available,
    }
    status = {**status_of(daemon_set), **required, **optional}
    return {name: value for name, value in status.items() if value or name not in optional}
