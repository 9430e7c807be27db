"""The store that keeps nothing: for tests, and for clusters that may be forgotten."""

from __future__ import annotations

from cloudk8s.errors import StorageError
from cloudk8s.storage.cache import CachedStore
from cloudk8s.storage.interface import Record, Write


class MemoryStore(CachedStore):
    """Every write is committed at once, by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._is_closed = False

    async def current_revision(self) -> int:
        return self.revision

    async def write(self, write: Write) -> Record:
        if self._is_closed:
            raise StorageError("the store is closed")
        event = self._judge(write, self.revision + 1)
        self._apply((event,))
        return event.record

    async def compact(self, revision: int) -> None:
        self._history.check_compactable(revision)
        self._history.trim(revision)

    async def close(self) -> None:
        self._is_closed = True
        await self._stop_compacting()
