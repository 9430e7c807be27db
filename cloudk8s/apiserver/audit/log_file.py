"""Where events go: a file of JSON lines, written by a thread of its own and rotated by size."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

log = logging.getLogger(__name__)
_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is put aside, and how many of those are kept; 0 means no limit."""

    max_megabytes: int = 100
    max_backups: int = 10


class AuditLog:
    """Takes lines on the event loop without blocking; an async context would gain nothing, so it is a plain one.

    When the disk cannot keep up, lines beyond the queue are dropped and counted: requests go on. `path` "-" is
    standard output.
    """

    def __init__(self, path: str, rotation: Rotation | None = None) -> None:
        self._path = path
        self._rotation = rotation or Rotation()
        self._lines: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._run, name="audit-log", daemon=True)
        self.dropped = 0

    def write(self, line: bytes) -> None:
        """Hand over one event, without its line end."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1:
                log.error("audit events are dropped: %s is too slow", self._path)

    def __enter__(self) -> Self:
        if self._path != "-":
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._open().close()  # a path that cannot be written fails at start
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.put(None)
        self._thread.join()

    def _run(self) -> None:
        file = self._open()
        while (line := self._lines.get()) is not None:
            try:
                file = self._rotated(file)
                file.write(line + b"\n")
                if self._lines.empty():
                    file.flush()
            except OSError:
                log.exception("an audit event was lost")
        file.flush()
        if self._path != "-":
            file.close()

    def _open(self) -> IO[bytes]:
        if self._path == "-":
            return sys.stdout.buffer
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "ab")

    def _rotated(self, file: IO[bytes]) -> IO[bytes]:
        limit = self._rotation.max_megabytes * 1024 * 1024
        if self._path == "-" or not limit or file.tell() < limit:
            return file
        file.close()
        self._shift()
        return self._open()

    def _shift(self) -> None:
        """`audit.log.1` is the newest of those put aside."""
        kept = self._rotation.max_backups
        numbers = sorted((number for number in self._backups()), reverse=True)
        for number in numbers:
            if kept and number >= kept:
                Path(f"{self._path}.{number}").unlink()
            else:
                Path(f"{self._path}.{number}").rename(f"{self._path}.{number + 1}")
        Path(self._path).rename(f"{self._path}.1")

    def _backups(self) -> list[int]:
        path = Path(self._path)
        suffixes = [each.name[len(path.name) + 1 :] for each in path.parent.glob(f"{path.name}.*")]
        return [int(suffix) for suffix in suffixes if suffix.isdecimal()]
