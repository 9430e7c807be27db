"""Deleting rows that no held revision needs, a few at a time, and giving their space back to the file system."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections.abc import Iterable, Sequence

import apsw

from cloudk8s.errors import StorageError
from cloudk8s.storage.interface import Event
from cloudk8s.storage.sqlite.schema import set_meta

ROWS = 128
"""Rows deleted in one commit: a millisecond or two that a write may have to wait."""

_PAGES = 64
_SPARE_PAGES = 1024
_SPARE_SHARE = 4


def superseded(events: Iterable[Event]) -> list[int]:
    """Rows that nobody needs once these events are forgotten, oldest first.

    The order matters: a deletion's own row must not go before the rows it deleted, or a crash would bring them back.
    """
    rows = []
    for event in events:
        if event.previous is not None:
            rows.append(event.previous.revision)
        if event.type == "DELETED":
            rows.append(event.revision)
    return sorted(rows)


class Compaction:
    """A chore of the writer's: first the compacted revision, then the rows, then the free pages."""

    def __init__(self, revision: int, rows: Sequence[int], *, loop: AbstractEventLoop) -> None:
        self.revision = revision
        self.rows = list(rows)
        """What is left to delete."""
        self.done: Future[None] = loop.create_future()
        self._loop = loop
        self._is_begun = False

    def __call__(self, connection: apsw.Connection) -> bool:
        try:
            is_more = self._step(connection)
        except apsw.Error as error:
            self._loop.call_soon_threadsafe(self._finish, error)
            raise
        if not is_more:
            self._loop.call_soon_threadsafe(self._finish, None)
        return is_more

    def abandon(self) -> None:
        """Give up; what is left is found again when the file is next opened."""
        self.done.cancel()

    def _step(self, connection: apsw.Connection) -> bool:
        if not self._is_begun:
            set_meta(connection, "compacted", self.revision)
            self._is_begun = True
        elif self.rows:
            batch = self.rows[:ROWS]
            connection.execute(f"DELETE FROM rev WHERE rv IN ({','.join('?' * len(batch))})", batch)
            del self.rows[:ROWS]
        else:
            return _shrink(connection)
        return True

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(StorageError(f"compaction at revision {self.revision} failed: {error}"))


def _shrink(connection: apsw.Connection) -> bool:
    """Cut free pages off the file while there are more of them than writing will soon need again."""
    free = int(connection.execute("PRAGMA freelist_count").get)
    used = int(connection.execute("PRAGMA page_count").get) - free
    excess = free - max(_SPARE_PAGES, used // _SPARE_SHARE)
    if excess <= 0:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({min(_PAGES, excess)})").fetchall()
    return True
