"""Moving committed pages from the write-ahead log into the file, away from the writer.

A thread of its own copies pages while the writer goes on (a passive checkpoint). Under steady load the log never gets
to start over that way; beyond a size the writer pauses for the little that is left to copy, and starts it over.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import apsw

from cloudk8s.storage.sqlite.schema import connect

logger = logging.getLogger(__name__)

COPY_AFTER = 2 << 20
"""Bytes written before the next passive checkpoint."""

RESTART_BEYOND = 16 << 20
"""Size of the log that makes the writer pause."""


class Checkpointer:
    """The checkpoint thread; `wrote` and `restart_if_due` are called by the writer's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path, synchronous="NORMAL")
        self._page_size = int(self._connection.execute("PRAGMA page_size").get)
        self._is_due = threading.Event()
        self._is_stopping = False
        self._is_restart_due = False
        self._unchecked = 0
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)
        self._thread.start()

    def wrote(self, size: int) -> None:
        """Count what went into the log; wakes the thread when it is worth it."""
        self._unchecked += size
        if self._unchecked >= COPY_AFTER:
            self._unchecked = 0
            self._is_due.set()

    def restart_if_due(self, connection: apsw.Connection) -> None:
        """Copy what is left and start the log over, where it has grown too long."""
        if not self._is_restart_due or self._is_due.is_set():
            return
        self._is_restart_due = False
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        except apsw.Error as error:
            logger.warning("store %s: the log could not be started over, it will be tried again: %s", self._path, error)

    def stop(self) -> None:
        """Wait for a running checkpoint, then close."""
        self._is_stopping = True
        self._is_due.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            self._is_due.wait()
            if self._is_stopping:
                return
            try:
                frames, _ = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                self._is_restart_due = frames * self._page_size > RESTART_BEYOND
            except apsw.Error as error:
                logger.warning("store %s: a checkpoint failed, it will be tried again: %s", self._path, error)
            if not self._is_stopping:
                self._is_due.clear()
