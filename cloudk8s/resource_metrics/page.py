"""A kubelet's `/metrics/resource`, read: totals of CPU and the working set of the node and of each container. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

PodKey = tuple[str, str]
"""Namespace and name."""
_LINE: Final = re.compile(
    r"^(node_cpu_usage_seconds_total|node_memory_working_set_bytes|container_cpu_usage_seconds_total|"
    r"container_memory_working_set_bytes|container_start_time_seconds)(?:\{([^}]*)\})? (\S+)(?: (\d+))?$",
    re.MULTILINE,
)
_LABEL: Final = re.compile(r'(container|namespace|pod)="([^"]*)"')


@dataclass(slots=True)
class Point:
    """One look: seconds of the epoch, CPU seconds since the start, bytes of memory."""

    time: float
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    started: float = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether both CPU and memory were told; a container that has just ended has neither."""
        return self.cpu_seconds > 0 and self.memory_bytes > 0


@dataclass(frozen=True, slots=True)
class Page:
    """All that a kubelet told; pods of which a container is not told completely are left out."""

    node: Point | None = None
    pods: Mapping[PodKey, Mapping[str, Point]] = field(default_factory=dict)


def read_page(text: str, now: float) -> Page:
    """Read the page; `now` is the time of values that carry none."""
    node: Point | None = None
    pods: dict[PodKey, dict[str, Point]] = {}
    for name, labels, value, stamp in _LINE.findall(text):
        time = int(stamp) / 1000 if stamp else now
        if name.startswith("node_"):
            node = node or Point(time)
            _note(node, name, float(value), time)
            continue
        found = dict(_LABEL.findall(labels))
        containers = pods.setdefault((found.get("namespace", ""), found.get("pod", "")), {})
        _note(containers.setdefault(found.get("container", ""), Point(time)), name, float(value), time)
    complete = {key: found for key, found in pods.items() if all(point.is_complete for point in found.values())}
    return Page(node if node is not None and node.is_complete else None, complete)


def _note(point: Point, name: str, value: float, time: float) -> None:
    if name.endswith("_start_time_seconds"):
        point.started = value
        return
    point.time = time
    if name.endswith("_cpu_usage_seconds_total"):
        point.cpu_seconds = value
    else:
        point.memory_bytes = int(value)
