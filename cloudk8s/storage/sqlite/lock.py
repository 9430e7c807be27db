"""One server per file: an advisory lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from cloudk8s.errors import StorageError


class FileLock:
    """Holds `PATH-lock` for as long as the store is open.

    It is a file of its own, so that copying tools may still read the store, and so that closing it cannot drop the
    locks that SQLite itself holds.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 32, 0).decode().strip() or "unknown"
            os.close(self._descriptor)
            raise StorageError(f"store {path} is in use by another server (process {owner})") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next server in. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
