"""The one thread that writes: it commits whatever has queued up, as one batch.

A batch is one INSERT statement, committed by itself. Every statement gives the interpreter lock away and waits for it
again, so a transaction of several statements would let a busy event loop stall the commit several times over.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from queue import Empty, SimpleQueue

import apsw

from cloudk8s.errors import StorageError
from cloudk8s.storage.interface import Event
from cloudk8s.storage.sqlite.checkpoint import Checkpointer
from cloudk8s.storage.sqlite.failure import storage_error
from cloudk8s.storage.sqlite.schema import set_meta

logger = logging.getLogger(__name__)

MAX_BATCH = 128
"""Rows of one commit; every size up to it has its own prepared statement."""

_ROW_OVERHEAD = 4096
_SYNC_SECONDS = 1.0
_CHORE_SECONDS = 0.1
_CHORE_SIZE = 64 * 4096

_MODES = {1: "NORMAL", 2: "FULL"}

Chore = Callable[[apsw.Connection], bool]
"""A piece of upkeep done between commits; returns whether there is more to do."""


class Queued:
    """A judged write on its way to the disk."""

    __slots__ = ("event", "future", "is_durable")

    def __init__(self, event: Event, future: Future[None], is_durable: bool) -> None:
        self.event = event
        self.future = future
        self.is_durable = is_durable

    def resolve(self, error: StorageError | None) -> None:
        """Answer the caller, if it still waits."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(StorageError(str(error)))


@dataclass(frozen=True, slots=True)
class _Stop:
    revision: int
    done: Future[None]


Done = Callable[[Sequence[Queued], StorageError | None], None]


class Writer:
    """Owns the connection; everything but `put`, `add_chore` and `stop` runs on its thread."""

    def __init__(self, path: Path, connection: apsw.Connection, *, loop: AbstractEventLoop, done: Done) -> None:
        self._path = path
        self._connection = connection
        self._loop = loop
        self._done = done
        self._mode = self._durable_mode = _MODES[connection.execute("PRAGMA synchronous").get]
        self._synced_at = time.monotonic()
        self._inbox: SimpleQueue[Sequence[Queued] | Chore | _Stop] = SimpleQueue()
        self._pending: deque[Queued] = deque()
        self._chores: deque[Chore] = deque()
        self._chored_at = 0.0
        self._stop: _Stop | None = None
        self._checkpointer = Checkpointer(path)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def put(self, batch: Sequence[Queued]) -> None:
        """Queue writes, in order."""
        self._inbox.put(batch)

    def add_chore(self, chore: Chore) -> None:
        """Call `chore` between commits, again and again until it returns False."""
        self._inbox.put(chore)

    def stop(self, revision: int) -> Future[None]:
        """Commit what is queued, drop the chores, and close the file with `revision` as its newest."""
        stop = _Stop(revision, self._loop.create_future())
        self._inbox.put(stop)
        return stop.done

    def _run(self) -> None:
        while True:
            self._receive()
            if self._pending:
                self._write(self._take_batch())
            elif self._stop is not None:
                self._close(self._stop)
                return
            now = time.monotonic()
            if self._chores and (not self._pending or now - self._chored_at > _CHORE_SECONDS):
                self._chored_at = now
                self._do_chore(self._chores[0])

    def _close(self, stop: _Stop) -> None:
        try:
            self._checkpointer.stop()
            self._connection.execute(f"PRAGMA synchronous={self._durable_mode}")
            set_meta(self._connection, "closed", stop.revision)
            self._connection.close()
        except apsw.Error as error:
            logger.warning("store %s was not closed cleanly, which costs nothing but time: %s", self._path, error)
        self._tell(stop.done.set_result, None)

    def _receive(self) -> None:
        """Take everything that has been put; wait only where there is nothing to do."""
        is_idle = not (self._pending or self._chores or self._stop)
        while True:
            try:
                item = self._inbox.get(is_idle)
            except Empty:
                return
            is_idle = False
            if isinstance(item, _Stop):
                self._stop = item
                self._chores.clear()
            elif callable(item):
                self._chores.append(item)
            else:
                self._pending.extend(item)

    def _take_batch(self) -> list[Queued]:
        pending = self._pending
        return [pending.popleft() for _ in range(min(len(pending), MAX_BATCH))]

    def _write(self, batch: list[Queued]) -> None:
        error: StorageError | None = None
        try:
            self._checkpointer.restart_if_due(self._connection)
            self._set_durability(any(queued.is_durable for queued in batch))
            self._checkpointer.wrote(self._insert(batch))
        except apsw.Error as failure:
            error = storage_error(self._path, failure)
            logger.error("a commit of %d writes failed: %s", len(batch), error)
        except Exception as failure:
            error = storage_error(self._path, failure)
            logger.exception("a commit of %d writes failed", len(batch))
        self._tell(self._done, batch, error)

    def _tell(self, callback: Callable[..., object], *arguments: object) -> None:
        """Call back on the loop; where it is closed nobody is left to tell."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _insert(self, batch: list[Queued]) -> int:
        row: list[int | str | bytes | None] = []
        size = 0
        for queued in batch:
            record = queued.event.record
            value = None if queued.event.type == "DELETED" else record.value
            row += (record.revision, record.key, value)
            size += _ROW_OVERHEAD + (0 if value is None else len(value))
        self._connection.execute(_insert_statement(len(batch)), row)
        return size

    def _set_durability(self, is_durable: bool) -> None:
        """A batch of only relaxed writes is not synced, unless the last sync is long ago."""
        now = time.monotonic()
        is_durable = is_durable or now - self._synced_at > _SYNC_SECONDS
        if is_durable:
            self._synced_at = now
        mode = self._durable_mode if is_durable else "NORMAL"
        if mode != self._mode:
            self._connection.execute(f"PRAGMA synchronous={mode}")
            self._mode = mode

    def _do_chore(self, chore: Chore) -> None:
        try:
            self._set_durability(False)
            is_more = chore(self._connection)
            self._checkpointer.wrote(_CHORE_SIZE)
        except Exception:
            logger.exception("store %s: upkeep failed", self._path)
            is_more = False
        if not is_more:
            self._chores.popleft()


@lru_cache(maxsize=MAX_BATCH)
def _insert_statement(rows: int) -> str:
    return "INSERT INTO rev VALUES" + ",".join(["(?,?,?)"] * rows)
