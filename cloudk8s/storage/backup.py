"""A copy of a SQLite store while it is in use, and the way back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import apsw

from cloudk8s.errors import StorageError, UserError
from cloudk8s.storage.sqlite.failure import storage_error
from cloudk8s.storage.sqlite.lock import FileLock
from cloudk8s.storage.sqlite.schema import check_identity, set_meta

REVISIONS_SKIPPED = 1_000_000_000
"""Restored stores go on this much later: no client may have seen a revision that then comes to mean something else."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup file holds."""

    path: Path
    revision: int
    records: int
    size: int


def back_up(source: Path, destination: Path) -> Backup:
    """Write one consistent, checked copy of a store, which may be in use by a server.

    The copy is complete or not there at all. Raises UserError where `destination` exists.
    """
    if not source.is_file():
        raise UserError(f"there is no store at {source}")
    if destination.exists():
        raise UserError(f"{destination} exists; choose another name or remove it")
    unfinished = destination.with_name(destination.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        _copy(source, unfinished)
        backup = describe(unfinished)
        _replace(unfinished, destination)
    except apsw.Error as error:
        unfinished.unlink(missing_ok=True)
        raise storage_error(source, error) from error
    return Backup(destination, backup.revision, backup.records, backup.size)


def describe(path: Path) -> Backup:
    """Check a backup from end to end and say what it holds; raises StorageError where it is damaged."""
    try:
        with apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY) as connection:
            check_identity(connection, path)
            verdict = connection.execute("PRAGMA integrity_check(1)").get
            if verdict != "ok":
                raise StorageError(f"backup {path} is damaged: {verdict}")
            revision = connection.execute("SELECT max(rv) FROM rev").get or 0
            records = connection.execute(
                "SELECT count(*) FROM (SELECT value, max(rv) FROM rev GROUP BY key) WHERE value IS NOT NULL"
            ).get
        connection.close()
    except apsw.Error as error:
        raise storage_error(path, error) from error
    return Backup(path, revision, records, path.stat().st_size)


def restore(backup: Path, destination: Path, *, replace: bool = False) -> Backup:
    """Make the store at `destination` what `backup` holds; refused while a server uses it.

    History is not restored and revisions jump ahead, so that every client lists again. A store that is there already
    is kept beside it as `NAME.replaced`, and only with `replace`.
    """
    if not backup.is_file():
        raise UserError(f"there is no backup at {backup}")
    if destination.exists() and not replace:
        raise UserError(f"{destination} exists; use --replace to replace it")
    found = describe(backup)
    lock = FileLock(destination)
    try:
        unfinished = destination.with_name(destination.name + ".unfinished")
        unfinished.unlink(missing_ok=True)
        _copy(backup, unfinished)
        revision = _jump_ahead(unfinished, destination)
        _set_aside(destination)
        _replace(unfinished, destination)
    except apsw.Error as error:
        raise storage_error(destination, error) from error
    finally:
        lock.release()
    return Backup(destination, revision, found.records, destination.stat().st_size)


def _copy(source: Path, destination: Path) -> None:
    connection = apsw.Connection(os.fspath(source), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(10_000)
        check_identity(connection, source)
        os.close(os.open(destination, os.O_RDWR | os.O_CREAT, 0o600))
        connection.execute("VACUUM INTO ?", (os.fspath(destination),))
    finally:
        connection.close()


def _jump_ahead(path: Path, replaced: Path) -> int:
    """Let the copy start beyond any revision that the backup or the replaced store has given out."""
    newest = _newest(path)
    if replaced.exists():
        newest = max(newest, _newest(replaced))
    revision = newest + REVISIONS_SKIPPED
    with apsw.Connection(os.fspath(path)) as connection:
        set_meta(connection, "compacted", revision)
        set_meta(connection, "closed", revision)
    connection.close()
    return revision


def _newest(path: Path) -> int:
    """The newest revision a store tells of, 0 where it is too damaged to tell."""
    try:
        connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            rows = "SELECT rv AS n FROM rev UNION ALL SELECT value FROM meta"
            return int(connection.execute(f"SELECT coalesce(max(n), 0) FROM ({rows})").get)
        finally:
            connection.close()
    except apsw.Error:
        return 0


def _set_aside(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.replace(Path(f"{path}.replaced{suffix}"))


def _replace(unfinished: Path, destination: Path) -> None:
    """Put a finished file in its place, durably."""
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(destination)
    directory = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
