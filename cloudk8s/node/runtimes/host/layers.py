"""What containers wrote into their own file systems, measured now and then: a walk takes as long as the disk does."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudk8s.node.machine.filesystems import Content, content_of

_LEAST_AGE: Final = 5.0
_PATIENCE: Final = 20.0
"""A measurement is kept for this many times as long as it took, so that large trees do not keep the disk busy."""


@dataclass(frozen=True, slots=True)
class _Measurement:
    content: Content
    kept_until: float


class WritableLayers:
    """Remembers the latest measurement of each container. Blocks."""

    def __init__(self) -> None:
        self._known: dict[str, _Measurement] = {}

    def measure(self, container_id: str, directory: Path) -> Content:
        """The upper layer of a container; empty where it has none."""
        known, began = self._known.get(container_id), time.monotonic()
        if known is not None and began < known.kept_until:
            return known.content
        content = content_of(directory)
        now = time.monotonic()
        self._known[container_id] = _Measurement(content, now + max(_LEAST_AGE, _PATIENCE * (now - began)))
        return content

    def keep_only(self, container_ids: Collection[str]) -> None:
        """Forget all others."""
        for container_id in self._known.keys() - set(container_ids):
            del self._known[container_id]
