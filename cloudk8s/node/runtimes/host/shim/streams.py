"""A container's standard streams: pipes or a terminal on one side, the log and whoever is attached on the other."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable

from cloudk8s.node.runtimes.host.shim.logs import LogWriter

_CHUNK = 65536
_MAX_BACKLOG = 1 << 20

Callback = Callable[[], None]


class Sink:
    """One attached reader. It is dropped when it falls too far behind; the container never waits for it."""

    def __init__(self, fd: int, selector: selectors.BaseSelector, on_end: Callable[[Sink], None]) -> None:
        os.set_blocking(fd, False)
        self._fd, self._selector, self._on_end = fd, selector, on_end
        self._backlog = b""

    def write(self, data: bytes) -> None:
        waits = bool(self._backlog)
        self._backlog += data
        if len(self._backlog) > _MAX_BACKLOG:
            self.close()
        elif not waits:
            self._flush()

    def close(self) -> None:
        if self._fd < 0:
            return
        if self._backlog and self._fd in self._selector.get_map():
            self._selector.unregister(self._fd)
        os.close(self._fd)
        self._fd, self._backlog = -1, b""
        self._on_end(self)

    def _flush(self) -> None:
        try:
            self._backlog = self._backlog[os.write(self._fd, self._backlog) :]
        except BlockingIOError:
            pass  # the backlog waits until the reader takes more
        except OSError:
            self._backlog = b"" if self._fd not in self._selector.get_map() else self._backlog
            self.close()
            return
        registered = self._fd in self._selector.get_map()
        if self._backlog and not registered:
            self._selector.register(self._fd, selectors.EVENT_WRITE, self._flush)
        elif not self._backlog and registered:
            self._selector.unregister(self._fd)


class Streams:
    """The shim's ends of the streams; `child` holds the descriptors that become 0, 1 and 2, or None for a terminal."""

    def __init__(self, *, tty: bool, stdin: bool, log: LogWriter, selector: selectors.BaseSelector) -> None:
        self._log, self._selector = log, selector
        self._sinks: dict[bytes, list[Sink]] = {b"stdout": [], b"stderr": []}
        self.is_terminal = tty
        self.stdin = -1
        """Where input is written; -1 where the container reads from /dev/null."""
        self._sources: dict[int, bytes] = {}
        self._child_fds: set[int] = set()
        self.child = None if tty else self._open_pipes(stdin)

    def start(self, terminal: int) -> None:
        """Close the child's ends and begin to copy output, of pipes or of the `terminal` that the child opened."""
        if terminal >= 0:
            self.stdin = terminal
            self._sources[terminal] = b"stdout"
        for fd in self._child_fds:
            os.close(fd)
        for fd, name in self._sources.items():
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ, lambda fd=fd, name=name: self._pump(fd, name))

    def attach(self, stream: bytes, fd: int) -> Sink:
        """Copy output to `fd` too, from now on."""
        sink = Sink(fd, self._selector, self._sinks[stream].remove)
        self._sinks[stream].append(sink)
        return sink

    def close_stdin(self) -> None:
        """End the container's input; a terminal stays open."""
        if self.stdin >= 0 and not self.is_terminal:
            os.close(self.stdin)
            self.stdin = -1

    @property
    def is_drained(self) -> bool:
        """True once all output was read to its end."""
        return not self._sources

    def finish(self) -> None:
        """Write what is left of unfinished lines and let attached readers go."""
        for fd, name in list(self._sources.items()):
            self._pump(fd, name)
        for name, sinks in self._sinks.items():
            self._log.end(name)
            for sink in list(sinks):
                sink.close()

    def _open_pipes(self, stdin: bool) -> tuple[int, int, int]:
        if stdin:
            source, self.stdin = os.pipe2(os.O_CLOEXEC)
        else:
            source = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        out_read, out = os.pipe2(os.O_CLOEXEC)
        error_read, error = os.pipe2(os.O_CLOEXEC)
        self._sources = {out_read: b"stdout", error_read: b"stderr"}
        self._child_fds = {source, out, error}
        return source, out, error

    def _pump(self, fd: int, name: bytes) -> None:
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a terminal whose last process has gone answers EIO
        if not data:
            self._selector.unregister(fd)
            del self._sources[fd]
            if fd == self.stdin:
                self.stdin = -1
            os.close(fd)
            return
        self._log.write(name, data)
        for sink in list(self._sinks[name]):
            sink.write(data)
