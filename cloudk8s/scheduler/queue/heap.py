"""A heap of waiting pods by key; what is removed or replaced is skipped when it comes up."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

from cloudk8s.scheduler.queue.entry import QueuedPod


class PodHeap:
    """The pod with the smallest order comes first; equal ones in the order they came."""

    def __init__(self) -> None:
        self._heap: list[tuple[Any, int, QueuedPod]] = []
        self._entries: dict[str, tuple[int, QueuedPod]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[QueuedPod]:
        return (entry for _, entry in self._entries.values())

    def push(self, entry: QueuedPod, order: Any) -> None:
        """Add a pod, or put it in another place."""
        self._count += 1
        self._entries[entry.pod.key] = (self._count, entry)
        heapq.heappush(self._heap, (order, self._count, entry))

    def first(self) -> tuple[Any, QueuedPod] | None:
        """The first pod and its order."""
        while self._heap:
            order, count, entry = self._heap[0]
            held = self._entries.get(entry.pod.key)
            if held is not None and held[0] == count:
                return order, entry
            heapq.heappop(self._heap)
        return None

    def get(self, key: str) -> QueuedPod | None:
        """A pod by its key; it stays."""
        held = self._entries.get(key)
        return held[1] if held else None

    def pop(self) -> QueuedPod | None:
        """Take the first pod."""
        found = self.first()
        if found is None:
            return None
        heapq.heappop(self._heap)
        del self._entries[found[1].pod.key]
        return found[1]

    def remove(self, key: str) -> QueuedPod | None:
        """Take out a pod by its key."""
        held = self._entries.pop(key, None)
        return held[1] if held else None
