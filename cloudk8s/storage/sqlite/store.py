"""The SQLite store on the event loop: judging writes, queueing them, and answering when they are durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import apsw

from cloudk8s.errors import StorageError
from cloudk8s.storage.cache import CachedStore
from cloudk8s.storage.interface import Record, Write
from cloudk8s.storage.sqlite.compaction import Compaction, superseded
from cloudk8s.storage.sqlite.failure import storage_error
from cloudk8s.storage.sqlite.loading import Contents, load
from cloudk8s.storage.sqlite.lock import FileLock
from cloudk8s.storage.sqlite.schema import connect, get_meta, set_meta
from cloudk8s.storage.sqlite.writer import Queued, Writer
from cloudk8s.storage.turns import Turns

Synchronous = Literal["full", "normal"]
"""`full` survives a loss of power; `normal` only the end of the process."""


class SqliteStore(CachedStore):
    """A store in one file; made by `open`.

    Writes are compared on the loop, where revisions are handed out. A write to a key that has a write under way waits
    until that one is done and is compared with its outcome; so nobody ever sees what is not durable.
    """

    def __init__(self, path: Path, connection: apsw.Connection, lock: FileLock, contents: Contents) -> None:
        super().__init__()
        self._restore(contents.records, contents.events, oldest=contents.oldest, newest=contents.newest)
        self._path = path
        self._lock = lock
        self._loop = asyncio.get_running_loop()
        self._assigned = contents.newest
        self._queued: dict[str, Queued] = {}
        self._turns = Turns(self._loop)
        self._gathering: list[Queued] = []
        self._is_closed = False
        self._compaction: Compaction | None = None
        self._superseded = contents.leftovers
        self._writer = Writer(path, connection, loop=self._loop, done=self._finish)

    @property
    def size(self) -> int:
        """The file and the log beside it."""
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    @classmethod
    async def open(cls, path: Path, *, synchronous: Synchronous = "full") -> SqliteStore:
        """Open or make the file; raises StorageError where it is damaged, in use or out of reach."""
        connection, lock, contents = await asyncio.to_thread(_open, path, synchronous)
        store = cls(path, connection, lock, contents)
        if contents.leftovers:
            store._begin_compaction(contents.oldest)
        return store

    async def current_revision(self) -> int:
        return self.revision

    async def write(self, write: Write) -> Record:
        """Compare, swap, and return once it is as durable as asked.

        A caller that is cancelled while it waits does not undo its write.
        """
        key = write.key
        while key in self._queued:
            await self._turns.wait(key)
        try:
            if self._is_closed:
                raise StorageError(f"store {self._path} is closed")
            event = self._judge(write, self._assigned + 1)
        except StorageError:
            self._turns.pass_on(key)
            raise
        self._assigned += 1
        queued = Queued(event, self._loop.create_future(), write.durability == "durable")
        self._queued[key] = queued
        if not self._gathering:
            self._loop.call_soon(self._hand_over)
        self._gathering.append(queued)
        await queued.future
        return event.record

    async def compact(self, revision: int) -> None:
        """Forget history before `revision`; returns when the file has forgotten it too."""
        self._history.check_compactable(revision)
        while self._compaction is not None:
            await asyncio.wait([self._compaction.done])
        if self._is_closed:
            raise StorageError(f"store {self._path} is closed")
        if revision <= self.oldest_revision:
            return
        self._superseded += superseded(self._history.trim(revision))
        await asyncio.shield(self._begin_compaction(revision).done)

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        await self._stop_compacting()
        self._hand_over()
        await self._writer.stop(self._assigned)
        if self._compaction is not None:
            self._compaction.abandon()
        self._lock.release()

    def _hand_over(self) -> None:
        """Give the writer what this turn of the loop has gathered: what belongs together is committed together."""
        gathered, self._gathering = self._gathering, []
        if gathered:
            self._writer.put(gathered)

    def _finish(self, batch: Sequence[Queued], error: StorageError | None) -> None:
        """Take a batch back from the writer; from here on it can be read."""
        for queued in batch:
            del self._queued[queued.event.record.key]
        if error is None:
            self._apply([queued.event for queued in batch])
        for queued in batch:
            queued.resolve(error)
            self._turns.pass_on(queued.event.record.key)

    def _begin_compaction(self, revision: int) -> Compaction:
        compaction = Compaction(revision, self._superseded, loop=self._loop)
        self._superseded = []
        self._compaction = compaction
        compaction.done.add_done_callback(self._end_compaction)
        self._writer.add_chore(compaction)
        return compaction

    def _end_compaction(self, done: asyncio.Future[None]) -> None:
        if self._compaction is not None:
            self._superseded += self._compaction.rows
            self._compaction = None
        if not done.cancelled():
            done.exception()


def _open(path: Path, synchronous: Synchronous) -> tuple[apsw.Connection, FileLock, Contents]:
    if not path.parent.is_dir():
        raise StorageError(f"store {path}: its directory does not exist")
    try:
        lock = FileLock(path)
    except OSError as error:
        raise StorageError(f"store {path}: its lock file cannot be made: {error}") from error
    try:
        connection, contents = _read(path, synchronous)
    except (apsw.Error, OSError) as error:
        lock.release()
        raise storage_error(path, error) from error
    except BaseException:
        lock.release()
        raise
    return connection, lock, contents


def _read(path: Path, synchronous: Synchronous) -> tuple[apsw.Connection, Contents]:
    connection = connect(path, synchronous=synchronous)
    try:
        contents = load(connection)
        if get_meta(connection, "closed") is not None:
            set_meta(connection, "closed", None)
    except BaseException:
        connection.close()
        raise
    return connection, contents
