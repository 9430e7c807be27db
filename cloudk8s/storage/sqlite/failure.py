"""What SQLite's errors mean to an operator."""

from __future__ import annotations

from pathlib import Path

import apsw

from cloudk8s.errors import StorageError

_MEANINGS: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.FullError, "the disk is full; free some space and try again"),
    (apsw.CorruptError, "the file is damaged; restore a backup with `cloudk8s restore`"),
    (apsw.NotADBError, "the file is not a store or is damaged; restore a backup with `cloudk8s restore`"),
    (apsw.ReadOnlyError, "the file cannot be written; check its permissions and those of its directory"),
    (apsw.PermissionsError, "the file cannot be opened; check its permissions"),
    (apsw.CantOpenError, "the file cannot be opened; check that its directory exists and can be written"),
    (apsw.BusyError, "another program has locked the file; stop it and try again"),
    (apsw.IOError, "reading or writing the disk failed; check the disk and the kernel's log"),
)


def storage_error(path: Path, error: Exception) -> StorageError:
    """The StorageError that says what happened to `path` and what to do about it."""
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return StorageError(f"store {path}: {meaning} ({error})")
    return StorageError(f"store {path}: {error or type(error).__name__}")
