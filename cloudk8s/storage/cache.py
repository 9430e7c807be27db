"""The cache that every read and every watch goes through.

A backend brings committed events in by `_apply`, in revision order; whatever a reader asks is answered from memory:
the newest records, their ordered keys, the held history, indexes and running watches.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from heapq import merge

from cloudk8s.machinery.clock import Clock
from cloudk8s.storage.fanout import Fanout
from cloudk8s.storage.history import History
from cloudk8s.storage.indexes import Indexes
from cloudk8s.storage.interface import Deliver, Event, Range, Record, RevisionConflict, Subscription, Write
from cloudk8s.storage.retention import AutomaticCompaction, Retention
from cloudk8s.storage.sorted_keys import AFTER_ALL, SortedKeys
from cloudk8s.storage.value import deleted, written

FIRST_REVISION = 1
"""The revision of an empty store; the first write gets the next one."""


FRAMED_EVENTS = 512
"""How many of the newest events may keep their encodings."""


class CachedStore(ABC):
    """The reading half of a `Store`; a backend adds the writing half."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._keys = SortedKeys()
        self._history = History(FIRST_REVISION)
        self._indexes = Indexes()
        self._fanout = Fanout()
        self._framed: deque[Event] = deque()
        self._compacting: asyncio.Task[None] | None = None

    @property
    def revision(self) -> int:
        return self._history.newest

    @property
    def oldest_revision(self) -> int:
        return self._history.oldest

    @property
    def is_shared(self) -> bool:
        """This process alone writes, unless a backend says otherwise."""
        return False

    @property
    def size(self) -> int | None:
        """Nothing on this host's disk, unless a backend says so."""
        return None

    @property
    def history_position(self) -> tuple[int, int]:
        """The newest revision, and how many bytes had been superseded by then."""
        return self._history.newest, self._history.weight

    def start_compacting(self, retention: Retention, clock: Clock) -> None:
        """Forget old history from now on, until the store is closed."""
        run = AutomaticCompaction(self, retention, clock).run()
        self._compacting = asyncio.get_running_loop().create_task(run, name="store-compaction")

    @abstractmethod
    async def compact(self, revision: int) -> None:
        """See `Store.compact`."""

    async def _stop_compacting(self) -> None:
        """What a backend does first when it is closed."""
        task, self._compacting = self._compacting, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def get(self, key: str) -> Record | None:
        return self._records.get(key)

    def count(self, prefix: str) -> int:
        return self._count_after(prefix, "")

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int | None = None) -> Range:
        if revision is not None and revision != self.revision:
            self._history.check(revision)
            return self._old_range(prefix, after, limit, revision)
        records = self._records
        keys = self._keys_below(prefix, after, limit)
        remaining = 0
        if limit and len(keys) == limit:
            remaining = self._keys.rank(prefix + AFTER_ALL) - self._keys.rank(keys[-1])
        return Range([records[key] for key in keys], self.revision, remaining)

    def watch(
        self, prefix: str, deliver: Deliver, *, after: int | None = None, index: tuple[str, str] | None = None
    ) -> Subscription:
        missed: list[Event] = []
        if after is not None and after != self.revision:
            self._history.check(after)
            missed = self._history.since(prefix, after)
        if index is not None:
            touched = self._indexes.get(index[0], self._newest_below).touched
            missed = [event for event in missed if index[1] in touched(event)]
        watch = self._fanout.add(prefix, deliver, index)
        if missed:
            deliver(missed)
        return watch

    def add_index(self, name: str, prefix: str, value_of: Callable[[Record], str | None]) -> None:
        self._indexes.add(name, prefix, value_of)

    def by_index(self, name: str, value: str) -> Sequence[Record]:
        return self._indexes.get(name, self._newest_below).find(value)

    def _restore(self, records: dict[str, Record], events: Sequence[Event], *, oldest: int, newest: int) -> None:
        """Start from what a backend held: the newest records, and the history after `oldest`."""
        self._records = records
        self._keys = SortedKeys(records)
        self._history = History(oldest)
        for event in events:
            self._history.append(event)
        self._history.newest = newest

    def _judge(self, write: Write, revision: int) -> Event:
        """The event that a write becomes at `revision`; raises RevisionConflict."""
        key = write.key
        current = self._records.get(key)
        expected = write.expected
        if expected is not None and expected != (0 if current is None else current.revision):
            raise RevisionConflict(key, current)
        if write.draft is not None:
            return Event("ADDED" if current is None else "MODIFIED", written(key, write.draft, revision), current)
        if current is None:
            raise RevisionConflict(key, None)
        return Event("DELETED", deleted(current, revision), current)

    def _apply(self, events: Sequence[Event]) -> None:
        """Take in the events of one commit, then tell the watches."""
        for event in events:
            self._store(event)
            self._history.append(event)
        self._fanout.publish(events, [self._indexes.apply(event) for event in events])
        self._drop_caches(events)

    def _drop_caches(self, events: Sequence[Event]) -> None:
        """History lives for minutes; what readers derived from it must not."""
        framed = self._framed
        for event in events:
            if event.previous is not None:
                event.previous.memo = None
            framed.append(event)
        while len(framed) > FRAMED_EVENTS:
            framed.popleft().frames.clear()

    def _store(self, event: Event) -> None:
        key = event.record.key
        if event.type == "DELETED":
            del self._records[key]
            self._keys.remove(key)
            return
        if event.previous is None:
            self._keys.add(key)
        self._records[key] = event.record

    def _newest_below(self, prefix: str) -> list[Record]:
        return [self._records[key] for key in self._keys_below(prefix, "", 0)]

    def _keys_below(self, prefix: str, after: str, limit: int) -> list[str]:
        keys = self._keys.between(max(prefix, after), prefix + AFTER_ALL, limit)
        if after < prefix and prefix in self._records:
            return [prefix, *keys][: limit or None]
        return keys

    def _rank_before(self, prefix: str) -> int:
        return self._keys.rank(prefix) - (prefix in self._records)

    def _count_after(self, prefix: str, after: str) -> int:
        start = self._rank_before(prefix) if after < prefix else self._keys.rank(after)
        return max(0, self._keys.rank(prefix + AFTER_ALL) - start)

    def _old_range(self, prefix: str, after: str, limit: int, revision: int) -> Range:
        """Undo what happened since `revision`; costs what happened to the resource since, not what it holds."""
        undone: dict[str, Record | None] = {}
        for event in self._history.since(prefix, revision):
            if event.record.key > after:
                undone.setdefault(event.record.key, event.previous)
        restored = sorted(key for key, record in undone.items() if record is not None)
        unchanged = self._keys_below(prefix, after, limit and limit + len(undone))
        keys = list(merge((key for key in unchanged if key not in undone), restored))
        page = keys[:limit] if limit else keys
        still_there = sum(key in self._records for key in undone)
        total = self._count_after(prefix, after) - still_there + len(restored)
        return Range([undone.get(key) or self._records[key] for key in page], revision, total - len(page))
