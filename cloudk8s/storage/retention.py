"""How much history a store keeps, and the task that forgets the rest."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cloudk8s.errors import StorageError
from cloudk8s.machinery.clock import Clock

if TYPE_CHECKING:
    from cloudk8s.storage.cache import CachedStore

logger = logging.getLogger(__name__)

STEP = 2000
"""Revisions forgotten without giving way to others: about two milliseconds."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What is older or more than this is forgotten, whichever comes first.

    Clients count on minutes: a list in pages and a watch that reconnects ask for the revision they last saw.
    """

    age: timedelta = timedelta(minutes=5)
    """As long as upstream keeps revisions."""
    revisions: int = 100_000
    size: int = 256 << 20
    """Bytes of superseded values, which only history keeps in memory."""
    interval: timedelta = timedelta(seconds=10)
    """How often the store looks; what comes in between is kept on top."""


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    revision: int
    weight: int


class AutomaticCompaction:
    """Compacts a store again and again so that it holds what `retention` asks for and little more."""

    def __init__(self, store: CachedStore, retention: Retention, clock: Clock) -> None:
        self._store = store
        self._retention = retention
        self._clock = clock
        self._samples: deque[_Sample] = deque()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            self._samples.append(_Sample(self._clock.monotonic(), *self._store.history_position))
            await self._clock.sleep(self._retention.interval.total_seconds())
            target = self._target()
            if target > self._store.oldest_revision:
                await self._compact(target)

    def _target(self) -> int:
        """The newest sampled revision that is too old, or that too much has come after."""
        now = self._clock.monotonic()
        revision, weight = self._store.history_position
        keep, target = self._retention, 0
        while self._samples:
            sample = self._samples[0]
            is_old = now - sample.time >= keep.age.total_seconds()
            if not (is_old or revision - sample.revision > keep.revisions or weight - sample.weight > keep.size):
                break
            target = self._samples.popleft().revision
        return target

    async def _compact(self, target: int) -> None:
        """Forget a little at a time, because forgetting happens on the loop."""
        try:
            for revision in range(self._store.oldest_revision + STEP, target, STEP):
                await self._store.compact(revision)
            await self._store.compact(target)
        except StorageError as error:
            logger.warning("history up to revision %d could not be compacted, later is as good: %s", target, error)
