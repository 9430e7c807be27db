"""From the rows of a file to records and history."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from cloudk8s.errors import StorageError
from cloudk8s.storage.cache import FIRST_REVISION
from cloudk8s.storage.interface import Event, Record
from cloudk8s.storage.sqlite.schema import get_meta
from cloudk8s.storage.value import deleted

SKIPPED_AFTER_CRASH = 100_000
"""Revisions left out after a crash: a relaxed write may be lost with its revision already told to someone, and no
revision may mean two things."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds."""

    records: dict[str, Record]
    """The newest records."""
    events: list[Event]
    """Held history, in order."""
    oldest: int
    newest: int
    leftovers: list[int]
    """Rows that a compaction meant to delete but did not come to."""


def load(connection: apsw.Connection) -> Contents:
    """Read everything once, in revision order."""
    compacted = get_meta(connection, "compacted") or FIRST_REVISION
    closed = get_meta(connection, "closed")
    records: dict[str, Record] = {}
    events: list[Event] = []
    leftovers: list[int] = []
    revision = compacted
    for revision, key, value in connection.execute("SELECT rv, key, value FROM rev ORDER BY rv"):
        previous = records.get(key)
        if revision <= compacted:
            if previous is not None:
                leftovers.append(previous.revision)
            if value is None:
                leftovers.append(revision)
        else:
            events.append(_event(key, value, revision, previous))
        if value is None:
            records.pop(key, None)
        else:
            records[key] = events[-1].record if revision > compacted else Record(key, value, revision)
    newest = max(revision, compacted, closed or 0)
    if closed is None and newest > FIRST_REVISION:
        newest += SKIPPED_AFTER_CRASH
    return Contents(records, events, compacted, newest, sorted(leftovers))


def _event(key: str, value: bytes | None, revision: int, previous: Record | None) -> Event:
    if value is not None:
        return Event("MODIFIED" if previous else "ADDED", Record(key, value, revision), previous)
    if previous is None:
        raise StorageError(f"the file is damaged: revision {revision} deletes {key}, which does not exist")
    return Event("DELETED", deleted(previous, revision), previous)
