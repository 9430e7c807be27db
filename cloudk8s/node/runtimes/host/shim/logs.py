"""Container logs in CRI's format: `<RFC 3339 time> stdout F <line>`, with `P` for a piece of a longer line."""

from __future__ import annotations

import os
import time

MAX_LINE = 16 * 1024


class LogWriter:
    """One container's log file; lines of its streams are written whole."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rest = {b"stdout": b"", b"stderr": b""}
        self._second = -1
        self._prefix = ""
        self._fd = self._open()

    def write(self, stream: bytes, data: bytes) -> None:
        """Take what a process wrote; the last incomplete line waits for its end."""
        lines = (self._rest[stream] + data).split(b"\n")
        rest, stamp = lines.pop(), self._stamp()
        full, partial = stamp + b" " + stream + b" F ", stamp + b" " + stream + b" P "
        out: list[bytes] = []
        for line in lines:
            while len(line) > MAX_LINE:
                out += (partial, line[:MAX_LINE], b"\n")
                line = line[MAX_LINE:]
            out += (full, line, b"\n")
        while len(rest) >= MAX_LINE:
            out += (partial, rest[:MAX_LINE], b"\n")
            rest = rest[MAX_LINE:]
        self._rest[stream] = rest
        self._put(out)

    def end(self, stream: bytes) -> None:
        """Write an unfinished last line as a piece, so that a reader adds no newline of its own."""
        if rest := self._rest[stream]:
            self._rest[stream] = b""
            self._put([self._stamp() + b" " + stream + b" P ", rest, b"\n"])

    def reopen(self) -> None:
        """Go on in a new file after the old one was renamed."""
        old, self._fd = self._fd, self._open()
        os.close(old)

    def _open(self) -> int:
        os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def _put(self, pieces: list[bytes]) -> None:
        data = memoryview(b"".join(pieces))
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except OSError:
                return  # a full disk loses log lines, never the container

    def _stamp(self) -> bytes:
        second, nanosecond = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
        return f"{self._prefix}{nanosecond:09d}Z".encode()
