"""The file: its identity, its tables, and how it is opened.

`rev` holds one row for every held revision, a NULL value being a deletion; the newest row of a key is its record. There
is no table of current records: they are in memory, and one insert per write is what makes a commit cheap.
`meta` holds numbers: `compacted`, the revision up to which superseded rows may be gone, and `closed`, the newest
revision of a store that was closed cleanly (absent while it is open, and after a crash).
"""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from cloudk8s.errors import StorageError

APPLICATION_ID = 0x636B3873
"""`ck8s`: what `file` and the opener recognise the file by."""

SCHEMA_VERSION = 1

_BUSY_MILLISECONDS = 100
"""Only foreign programs can be in the way; a writer must not wait long for one that reads."""
_STATEMENTS_CACHED = 160

_CREATE = f"""
BEGIN IMMEDIATE;
CREATE TABLE rev(rv INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB);
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id={APPLICATION_ID};
PRAGMA user_version={SCHEMA_VERSION};
COMMIT;
"""


def connect(path: Path, *, synchronous: str) -> apsw.Connection:
    """Open the store file, making it where there is none; raises StorageError or apsw.Error."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = apsw.Connection(os.fspath(path), statementcachesize=_STATEMENTS_CACHED)
    try:
        _prepare(connection, path, synchronous)
    except BaseException:
        connection.close()
        raise
    return connection


def get_meta(connection: apsw.Connection, name: str) -> int | None:
    """One number of `meta`."""
    value = connection.execute("SELECT value FROM meta WHERE name=?", (name,)).get
    return None if value is None else int(value)


def set_meta(connection: apsw.Connection, name: str, value: int | None) -> None:
    """Write or forget one number of `meta`, in a commit of its own."""
    if value is None:
        connection.execute("DELETE FROM meta WHERE name=?", (name,))
    else:
        connection.execute("INSERT OR REPLACE INTO meta VALUES(?,?)", (name, value))


def check_identity(connection: apsw.Connection, path: Path) -> None:
    """Raise StorageError where the file is not a store that this version can read."""
    if connection.execute("PRAGMA application_id").get != APPLICATION_ID:
        raise StorageError(f"{path} is an SQLite file, but not a store of this project; choose another path")
    version = connection.execute("PRAGMA user_version").get
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"store {path} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION}); upgrade"
        )


def _prepare(connection: apsw.Connection, path: Path, synchronous: str) -> None:
    connection.set_busy_timeout(_BUSY_MILLISECONDS)
    is_new = connection.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if is_new:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    else:
        check_identity(connection, path)
    mode = connection.execute("PRAGMA journal_mode=WAL").get
    if mode != "wal":
        raise StorageError(f"store {path}: its file system cannot share memory between connections, choose another")
    connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA journal_size_limit=33554432").fetchall()
    if is_new:
        connection.execute(_CREATE)
