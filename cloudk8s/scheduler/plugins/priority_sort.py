"""PrioritySort: the most important pods first, then those that have waited longest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.scheduler.interface import Handle
from cloudk8s.scheduler.pod.pod import Pod


class PrioritySort:
    """By priority, highest first."""

    name = "PrioritySort"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def sort_key(self, pod: Pod, since: float) -> tuple[int, float]:
        return -pod.shape.priority, since
