"""What a node or a pod used over a while, and who knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cloudk8s.api.resource import Object


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in billionths of a core, averaged over a window; working set in bytes at its end."""

    cpu_nano_cores: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """Use by name (of a container; of the node itself: the empty name), over `window` until `timestamp`."""

    timestamp: datetime
    window: timedelta
    usage: Mapping[str, Usage]


class UsageSource(Protocol):
    """Knows what nodes and pods use. Answers come from memory, at once; None is "not known (yet)"."""

    def of_node(self, node: Object) -> Measurement | None:
        """What a node uses as a whole."""

    def of_pod(self, pod: Object) -> Measurement | None:
        """What the containers of a pod use."""


@dataclass(frozen=True, slots=True)
class UsageSources:
    """Several sources as one: the first that knows answers."""

    sources: Sequence[UsageSource]

    def of_node(self, node: Object) -> Measurement | None:
        return next((found for source in self.sources if (found := source.of_node(node)) is not None), None)

    def of_pod(self, pod: Object) -> Measurement | None:
        return next((found for source in self.sources if (found := source.of_pod(pod)) is not None), None)
