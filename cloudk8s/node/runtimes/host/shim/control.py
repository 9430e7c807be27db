"""A shim's control socket: run a command in the container, attach to its streams, reopen its log.

Every connection is one request. An exec brings the descriptors of its streams, or is answered with that of its
terminal; the answers are `started` (or `error`), then `exit_code`, and further messages may be `signal`. An attach
brings the descriptors that output is copied to, and is answered with the container's stdin.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
from collections.abc import Callable
from typing import Any

from cloudk8s.node.runtimes.host.shim import wire
from cloudk8s.node.runtimes.host.shim.launch import LaunchError, launch
from cloudk8s.node.runtimes.host.shim.streams import Streams

SOCKET_NAME = "control.sock"


class Control:
    """Serves the control socket of one container."""

    def __init__(
        self, directory: str, *, selector: selectors.BaseSelector, streams: Streams, reopen_log: Callable[[], None],
        exec_defaults: dict[str, Any],
    ) -> None:  # fmt: skip
        self._selector, self._streams, self._reopen_log = selector, streams, reopen_log
        self._exec_defaults = exec_defaults
        self._execs: dict[int, socket.socket] = {}
        self._listener = _listen(directory)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def child_ended(self, pid: int, exit_code: int) -> None:
        """Answer the exec that `pid` belongs to; other children are orphans of the container."""
        if connection := self._execs.pop(pid, None):
            self._forget(connection)
            wire.send(connection, {"exit_code": exit_code})
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        self._selector.unregister(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(True)
        try:
            request, fds = wire.receive(connection)
        except (OSError, EOFError, ValueError):
            connection.close()
            return
        if "exec" in request:
            self._exec(connection, request["exec"], fds)
        elif "attach" in request:
            self._attach(connection, request["attach"], fds)
        elif "reopen_log" in request:
            self._reopen_log()
            self._answer(connection, {"done": True})

    def _exec(self, connection: socket.socket, request: dict[str, Any], fds: list[int]) -> None:
        try:
            streams = None if request.get("tty") else (fds[0], fds[1], fds[2])
            process = self._exec_defaults | request
            if request.get("tty"):
                process["env"] = {"TERM": "xterm"} | dict(process["env"])
            launched = launch(process, streams)
        except LaunchError as error:
            self._answer(connection, {"error": str(error)})
            return
        finally:
            for fd in set(fds):
                os.close(fd)
        pid, terminal = launched.pid, launched.terminal
        self._execs[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._signal(connection, pid))
        wire.send(connection, {"started": pid}, [terminal] if terminal >= 0 else ())
        if terminal >= 0:
            os.close(terminal)

    def _signal(self, connection: socket.socket, pid: int) -> None:
        """Kill the command if asked to; one whose caller has gone runs on."""
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._forget(connection)
        elif pid in self._execs:
            os.killpg(pid, int(json.loads(data).get("signal", signal.SIGKILL)))

    def _attach(self, connection: socket.socket, request: dict[str, Any], fds: list[int]) -> None:
        for stream, fd in zip(request["streams"], fds, strict=True):
            self._streams.attach(stream.encode(), fd)
        wants_stdin = request.get("stdin") and self._streams.stdin >= 0
        wire.send(connection, {"attached": True}, [self._streams.stdin] if wants_stdin else ())
        if not (wants_stdin and request.get("stdin_once")):
            connection.close()
            return
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._last_attach_ended(connection))

    def _last_attach_ended(self, connection: socket.socket) -> None:
        self._forget(connection)
        connection.close()
        self._streams.close_stdin()

    def _answer(self, connection: socket.socket, message: wire.Message) -> None:
        wire.send(connection, message)
        connection.close()

    def _forget(self, connection: socket.socket) -> None:
        if connection in self._selector.get_map():
            self._selector.unregister(connection)


def _listen(directory: str) -> socket.socket:
    """Listen inside `directory`, whose path may be longer than a socket address can hold."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    here = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{here}/{SOCKET_NAME}")
    finally:
        os.close(here)
    listener.listen(16)
    return listener
