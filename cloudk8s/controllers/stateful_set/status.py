"""What a StatefulSet's status says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, status_of
from cloudk8s.controllers.pods import is_available
from cloudk8s.controllers.stateful_set.members import (
    is_created,
    is_running_and_ready,
    is_staying,
    min_ready_seconds,
    replicas,
    revision_of,
    strategy,
)


def counted(
    owner: Object, pods: Sequence[Object], current: Object, update: Object, collision_count: int, now: datetime
) -> dict[str, Any]:
    """The status for these pods; what others wrote into it stays."""
    ready = [pod for pod in pods if is_running_and_ready(pod)]
    revisions = [revision_of(pod) for pod in pods if is_staying(pod)]
    numbers = {
        "replicas": sum(map(is_created, pods)),
        "readyReplicas": len(ready),
        "currentReplicas": revisions.count(name_of(current)),
        "updatedReplicas": revisions.count(name_of(update)),
        "availableReplicas": sum(is_available(pod, min_ready_seconds(owner), now) for pod in ready),
    }
    names = {"currentRevision": name_of(current), "updateRevision": name_of(update)}
    return {
        **status_of(owner),
        **numbers,
        **names,
        "observedGeneration": owner["metadata"].get("generation", 0),
        "collisionCount": collision_count,
    }


def completed(owner: Object, status: dict[str, Any]) -> dict[str, Any]:
    """Make the update revision the current one, once every pod has it; zeros are left out as upstream does."""
    wanted = replicas(owner)
    is_rolling = strategy(owner).get("type") == "RollingUpdate"
    if is_rolling and all(status[field] == wanted for field in ("updatedReplicas", "readyReplicas", "replicas")):
        status |= {"currentReplicas": status["updatedReplicas"], "currentRevision": status["updateRevision"]}
    return {name: value for name, value in status.items() if value or name not in _LEFT_OUT}


_LEFT_OUT = ("readyReplicas", "currentReplicas", "updatedReplicas")
