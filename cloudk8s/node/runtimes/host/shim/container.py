"""One container's shim: start the process, copy its output, serve the control socket, write how it ended.

It writes `run.json` (its own record, the pid of the program, who that runs as) once the program runs and `exit.json`
when all is over.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from typing import Any

from cloudk8s.node.runtimes.host.shim import descendants, namespaces, syscalls, wire
from cloudk8s.node.runtimes.host.shim.control import Control
from cloudk8s.node.runtimes.host.shim.launch import START_ERROR, LaunchError, describe, launch
from cloudk8s.node.runtimes.host.shim.logs import LogWriter
from cloudk8s.node.runtimes.host.shim.streams import Streams

_DRAIN_SECONDS = 2.0
"""How long output is awaited after the last process has gone; only a descriptor passed elsewhere makes it wait."""
_NOT_FOR_EXEC = ("root", "unshare", "cwd_create")


def run(request: dict[str, Any], connection: socket.socket) -> None:
    """Be the shim of one container until it has ended."""
    directory: str = request["directory"]
    try:
        shim = _Shim(request, directory)
    except (OSError, LaunchError, LookupError) as error:
        _record_exit(directory, START_ERROR, reason="StartError", message=describe(error))
        wire.send(connection, {"error": describe(error)})
        return
    wire.send(connection, shim.started)
    connection.close()
    shim.serve()


class _Shim:
    def __init__(self, request: dict[str, Any], directory: str) -> None:
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        self._directory = directory
        self._oom_files: list[str] = request.get("oom_files", [])
        self._selector = selectors.DefaultSelector()
        self._watch_signals()
        log = LogWriter(request["log_path"])
        self._streams = Streams(
            tty=bool(request["process"].get("tty")), stdin=bool(request.get("stdin")), log=log, selector=self._selector
        )
        if not request["process"].get("users"):
            namespaces.prepare(request["process"])
        launched = launch(request["process"], self._streams.child)
        self._pid, report = launched.pid, launched.report
        self._streams.start(launched.terminal)
        self._status: int | None = None
        self._control = Control(
            directory, selector=self._selector, streams=self._streams, reopen_log=log.reopen,
            exec_defaults=_exec_defaults(request["process"], self._pid, report),
        )  # fmt: skip
        self.started = {"main_pid": self._pid, "started_at": time.time_ns()} | report | wire.own_record()
        wire.write_json(directory, "run.json", self.started)

    def serve(self) -> None:
        while self._status is None:
            self._turn(None)
        deadline = time.monotonic() + _DRAIN_SECONDS
        while descendants.kill_all(os.getpid()) or not self._streams.is_drained:
            self._turn(0.02)
            if time.monotonic() > deadline:
                break
        self._streams.finish()
        self._control.close()
        code = os.waitstatus_to_exitcode(self._status)
        reason = "OOMKilled" if self._was_out_of_memory() else ""
        _record_exit(self._directory, code if code >= 0 else 128 - code, reason=reason)

    def _turn(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            key.data()

    def _watch_signals(self) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._reap(reader))

    def _reap(self, reader: int) -> None:
        os.read(reader, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._pid:
                self._status = status
            else:
                code = os.waitstatus_to_exitcode(status)
                self._control.child_ended(pid, code if code >= 0 else 128 - code)

    def _was_out_of_memory(self) -> bool:
        return any(_oom_kills(path) for path in self._oom_files)


def _exec_defaults(process: dict[str, Any], pid: int, report: dict[str, Any]) -> dict[str, Any]:
    """What a command in the container shares with its first process: namespaces, cgroups, user, environment."""
    shared = {key: value for key, value in process.items() if key not in _NOT_FOR_EXEC}
    if "root" in process:
        kinds = ("mnt", "net", "ipc", "uts", "cgroup") + (("pid",) if process.get("users") else ())
        shared["join"] = {kind: f"/proc/{pid}/ns/{kind}" for kind in kinds if namespaces.differs(kind, pid)}
    return shared | {"tty": False, "dies_with_shim": True}


def _oom_kills(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as file:
            counters = dict(line.split(None, 1) for line in file)
    except OSError:
        return False
    return int(counters.get("oom_kill", 0)) > 0


def _record_exit(directory: str, code: int, *, reason: str = "", message: str = "") -> None:
    ended = {"exit_code": code, "finished_at": time.time_ns(), "reason": reason, "message": message}
    wire.write_json(directory, "exit.json", ended)
