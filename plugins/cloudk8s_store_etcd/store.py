"""The store: a mirror of etcd that is read, and transactions that are waited for in the mirror."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from contextlib import aclosing
from heapq import heappop, heappush
from itertools import count

from cloudk8s.errors import StorageError
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.storage.cache import CachedStore
from cloudk8s.storage.history import History
from cloudk8s.storage.interface import Event, FutureRevision, Record, RevisionConflict, Write
from cloudk8s.storage.turns import Turns
from cloudk8s.storage.value import with_revision, written
from cloudk8s_store_etcd.address import Address
from cloudk8s_store_etcd.client import TIMEOUT_SECONDS, Client, RevisionNotHeld, WatchCompacted
from cloudk8s_store_etcd.messages import KeyValue

logger = logging.getLogger(__name__)

HISTORY = (10_000, 1000, 100)
"""How many revisions a starting server tries to look back, so that watches begun at another server can resume here."""

RETRY_SECONDS = (0.1, 0.3, 1.0, 2.0)
ELECTION_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0)
"""Between attempts to ask for the newest revision; elections take some five seconds at most."""
NUDGE_SECONDS = 0.25
"""Beyond the tenth of a second in which etcd brings a watch up to date."""

_NUDGE_KEY = "/.nudge"


class EtcdStore(CachedStore):
    """One API server's view of an etcd cluster that others may write to as well; made by `open`.

    In etcd a value carries an empty revision, since nobody knows it before the transaction; the mirror splices it in.
    """

    def __init__(self, address: Address, client: Client, clock: Clock) -> None:
        super().__init__()
        self._address = address
        self._client = client
        self._clock = clock
        self._prefix = address.root + "/"
        self._turns = Turns(asyncio.get_running_loop())
        self._writing: dict[str, Write] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_following = asyncio.Event()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = count()
        self._is_closed = False
        self._mirroring: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, address: Address, *, clock: Clock | None = None) -> EtcdStore:
        """Read everything, and follow it from then on; raises StorageError where etcd is out of reach."""
        client = Client(address)
        store = cls(address, client, clock or SystemClock())
        try:
            newest = await client.revision(store._prefix)
            records, oldest = await store._read_some_time_ago(newest)
            store._restore(records, (), oldest=oldest, newest=oldest)
            await store._begin_following(newest)
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def is_shared(self) -> bool:
        return True

    async def current_revision(self) -> int:
        revision = await self._asked()
        await self._catch_up(revision)
        return max(revision, self.revision)

    async def _asked(self) -> int:
        """The newest revision, asked for again while etcd elects a leader: that changes nothing, and soon ends."""
        for pause in ELECTION_PAUSES:
            try:
                return await self._client.revision(self._prefix)
            except StorageError as error:
                if self._is_closed:
                    raise
                logger.info("%s: asking again: %s", self._address, error)
            await self._clock.sleep(pause)
        return await self._client.revision(self._prefix)

    async def write(self, write: Write) -> Record:
        """Compare, swap, and return once the mirror shows it.

        A StorageError, or the caller's cancellation, does not tell whether it has happened.
        """
        key = write.key
        while key in self._writing:
            await self._turns.wait(key)
        try:
            if self._is_closed:
                raise StorageError(f"{self._address} is closed")
            self._writing[key] = write
            self._idle.clear()
            return await self._transact(write)
        finally:
            if self._writing.get(key) is write:
                del self._writing[key]
            if not self._writing:
                self._idle.set()
            self._turns.pass_on(key)

    async def compact(self, revision: int) -> None:
        if revision > self.revision:
            raise FutureRevision(revision, self.revision)
        if revision <= self.oldest_revision:
            return
        with contextlib.suppress(RevisionNotHeld):
            await self._client.compact(revision)
        self._history.trim(revision)

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        await self._stop_compacting()
        await self._idle.wait()
        if self._mirroring is not None:
            self._mirroring.cancel()
            await asyncio.wait([self._mirroring])
        await self._client.close()

    async def _transact(self, write: Write) -> Record:
        draft = write.draft
        value = None if draft is None else draft.head + draft.tail
        answer = await self._client.write(self._address.root + write.key, value, write.expected)
        await self._catch_up(answer.revision)
        if not answer.succeeded:
            raise RevisionConflict(write.key, self.get(write.key))
        for event in self._history.since(write.key, answer.revision - 1):
            if event.record.key == write.key and event.revision == answer.revision:
                return event.record
        if draft is None:
            raise StorageError(f"{self._address}: {write.key} was deleted, but its last state is gone already")
        return written(write.key, draft, answer.revision)

    async def _catch_up(self, revision: int) -> None:
        """Return once the mirror is at `revision`.

        Where others write to etcd outside our root, the mirror may never hear of that very revision; then a key of our
        own is written, which it does hear of.
        """
        if self.revision >= revision:
            return
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (revision, next(self._tickets), reached))
        done, _ = await asyncio.wait([reached], timeout=NUDGE_SECONDS)
        if not done:
            await self._client.write(self._address.root + _NUDGE_KEY, b"", None)
            done, _ = await asyncio.wait([reached], timeout=TIMEOUT_SECONDS)
        if not done:
            raise StorageError(f"{self._address}: changes up to revision {revision} do not arrive")

    async def _begin_following(self, newest: int) -> None:
        self._mirroring = asyncio.create_task(self._mirror(), name="etcd-mirror")
        try:
            await asyncio.wait_for(self._is_following.wait(), TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise StorageError(f"{self._address}: changes cannot be followed") from error
        await self._catch_up(newest)

    async def _mirror(self) -> None:
        """Follow etcd until cancelled, whatever happens to connections and servers in between."""
        failures = 0
        while True:
            before = self.revision
            try:
                await self._follow()
            except StorageError as error:
                logger.warning("%s: following changes will be tried again: %s", self._address, error)
            except Exception:
                logger.exception("%s: following changes failed, it will be tried again", self._address)
            failures = 0 if self.revision > before else failures + 1
            await self._clock.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])

    async def _follow(self) -> None:
        try:
            async with aclosing(self._client.watch(self._prefix, self.revision + 1)) as changes:
                async for items in changes:
                    self._is_following.set()
                    if items:
                        self._take(items)
        except WatchCompacted:
            await self._resynchronize()

    def _take(self, items: Sequence[KeyValue]) -> None:
        """Bring changes into the mirror, those of one key one after the other."""
        events: list[Event] = []
        ahead: dict[str, Record | None] = {}
        for item in items:
            key = item.key[len(self._address.root) :]
            if key == _NUDGE_KEY:
                continue
            previous = ahead[key] if key in ahead else self.get(key)
            event = self._event(key, item, previous)
            if event is not None:
                events.append(event)
                ahead[key] = None if event.type == "DELETED" else event.record
        if events:
            self._apply(events)
        self._advance(items[-1].revision)

    def _event(self, key: str, item: KeyValue, previous: Record | None) -> Event | None:
        if not item.is_deleted:
            record = self._record(key, item)
            return Event("MODIFIED" if previous else "ADDED", record, previous)
        if previous is None:
            return None
        value = with_revision(previous.value, item.revision)
        return Event("DELETED", Record(key, value, item.revision, previous.attributes), previous)

    def _record(self, key: str, item: KeyValue) -> Record:
        record = Record(key, with_revision(item.value, item.revision), item.revision)
        write = self._writing.get(key)
        if write is not None and write.draft is not None and write.draft.head + write.draft.tail == item.value:
            record.attributes = write.draft.attributes
        return record

    def _advance(self, revision: int) -> None:
        self._history.newest = max(self._history.newest, revision)
        while self._waiting and self._waiting[0][0] <= self._history.newest:
            reached = heappop(self._waiting)[2]
            if not reached.done():
                reached.set_result(None)

    async def _resynchronize(self) -> None:
        """Changes were compacted before they were seen: read everything and tell what is different."""
        logger.warning("%s: changes after revision %d are gone, reading everything", self._address, self.revision)
        newest = await self._client.revision(self._prefix)
        records = await self._read_at(newest)
        gone = [KeyValue(self._address.root + key, b"", newest, True) for key in self._records.keys() - records.keys()]
        changed = [
            KeyValue(self._address.root + key, record.value, record.revision)
            for key, record in records.items()
            if (known := self.get(key)) is None or known.revision != record.revision
        ]
        changes = sorted(changed, key=lambda item: item.revision) + gone
        if changes:
            self._take(changes)
        self._advance(newest)
        self._history.trim(newest)

    async def _read_some_time_ago(self, newest: int) -> tuple[dict[str, Record], int]:
        for distance in HISTORY:
            if newest - distance > History().oldest:
                with contextlib.suppress(RevisionNotHeld):
                    return await self._read_at(newest - distance), newest - distance
        return await self._read_at(newest), newest

    async def _read_at(self, revision: int) -> dict[str, Record]:
        """All records at a revision, in pages. Raises RevisionNotHeld."""
        records: dict[str, Record] = {}
        after, more = "", True
        while more:
            answer = await self._client.range(self._prefix, after=after, revision=revision)
            for item in answer.items:
                key = item.key[len(self._address.root) :]
                if key != _NUDGE_KEY:
                    records[key] = self._record(key, item)
            more = answer.more
            after = answer.items[-1].key if answer.items else ""
        return records
