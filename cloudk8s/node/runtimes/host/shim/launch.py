"""Fork a container's process and turn it, step by step, into what its description says, up to execve.

The child reports over a close-on-exec pipe: first who it became, then, only where a step fails, the error. End of file
without an error means that the program runs.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import stat
import struct
import termios
from dataclasses import dataclass
from typing import Any

from cloudk8s.node.runtimes.host.shim import confinement, identity, mapped, mounts, namespaces, root, syscalls

Description = dict[str, Any]
"""A process as JSON: argv, env, cwd, user, and what `namespaces` and `root` read; made by `host/launching.py`."""

START_ERROR = 128
_UNLOCK, _NUMBER = 0x40045431, 0x80045430
"""TIOCSPTLCK and TIOCGPTN, the same on all machines that Linux runs on today but a few."""
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LaunchError(Exception):
    """A step before execve failed; the text is what `kubectl describe` shows."""


@dataclass(frozen=True)
class Launched:
    """A program that runs; `report` says who it runs as, `terminal` is its terminal's near side or -1."""

    pid: int
    report: dict[str, Any]
    terminal: int


def launch(process: Description, stdio: tuple[int, int, int] | None) -> Launched:
    """Start a process; without `stdio` it gets a terminal of its own. The descriptors stay the caller's to close."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        _child(process, stdio, writer, theirs)
    os.close(writer)
    theirs.close()
    told: dict[str, Any] = {}
    with os.fdopen(reader, "rb") as file:
        for line in file:
            told |= json.loads(line)
            if "pid" in told:
                os.waitpid(pid, 0)
                pid = told.pop("pid")  # a grandchild, which is this process's own since its parent has ended
                ours.send(b"+")
    with ours:
        fds = socket.recv_fds(ours, 1, 1)[1] if stdio is None else []
    if "error" in told:
        os.waitpid(pid, 0)
        raise LaunchError(told["error"])
    for fd in fds:
        os.set_inheritable(fd, False)
    return Launched(pid, told, fds[0] if fds else -1)


def _child(process: Description, stdio: tuple[int, int, int] | None, writer: int, terminals: socket.socket) -> None:
    try:
        os.setsid()
        if stdio is not None:
            _standard_streams(stdio)
        _default_signals()
        _become(process, writer, terminals, has_terminal=stdio is None)
    except BaseException as error:  # noqa: BLE001 - whatever happened must reach the parent
        os.write(writer, json.dumps({"error": describe(error)}).encode() + b"\n")
    finally:
        os._exit(START_ERROR)


def _become(process: Description, writer: int, above: socket.socket, *, has_terminal: bool) -> None:
    _join_cgroups(process.get("cgroups", ()))
    if (adjustment := process.get("oom_score_adj")) is not None:
        _adjust_oom_score(int(adjustment))
    if process.get("users"):
        mapped.enter(process, writer, above)
    elif new_root := process.get("root"):
        mounts.hold_shared(new_root)
    namespaces.enter(process)
    if new_root := process.get("root"):
        root.build(new_root)
    user = identity.look_up(process)
    environment = dict(process["env"])
    environment.setdefault("HOME", user.home)
    if has_terminal:
        _open_terminal(above)
    os.chdir(process.get("cwd") or "/")
    _own_streams(user)
    namespaces.map_user(process, user.uid, user.gid)
    confinement.prepare_profile(process)
    gives_up_privileges = bool(process.get("no_new_privileges"))
    if not gives_up_privileges:
        confinement.filter_calls(process)  # needs a privilege that the user it becomes may not have
    identity.become(user, process.get("capabilities"), no_new_privileges=gives_up_privileges)
    if gives_up_privileges:
        confinement.filter_calls(process)
    if process.get("dies_with_shim", True):
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.umask(0o022)
    os.write(writer, json.dumps({"user": [user.uid, user.gid, user.groups]}).encode() + b"\n")
    _execute(process["argv"], environment)


def describe(error: BaseException) -> str:
    """One line for people, in the words that runc uses where it has the same failure."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower() if not error.filename else error.strerror}"
    return str(error) or type(error).__name__


def _standard_streams(stdio: tuple[int, int, int]) -> None:
    for target, source in enumerate(stdio):
        os.dup2(source, target)


def _open_terminal(terminals: socket.socket) -> None:
    """Open a terminal of the container's own, where it has a name, make it the controlling one, send its near side."""
    near = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(near, _UNLOCK, struct.pack("i", 0))
    (number,) = struct.unpack("i", fcntl.ioctl(near, _NUMBER, struct.pack("i", 0)))
    far = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    socket.send_fds(terminals, [b"t"], [near])
    _standard_streams((far, far, far))
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _own_streams(user: identity.User) -> None:
    """Let a program that is not root open /dev/stdout again; /dev/null is the host's and stays so."""
    for fd in range(3):
        if stat.S_ISCHR(os.fstat(fd).st_mode) and not os.isatty(fd):
            continue
        try:
            os.fchown(fd, user.uid, user.gid)
        except OSError:
            continue  # no privileges


def _default_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGXFSZ, signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _join_cgroups(files: list[str]) -> None:
    for path in files:
        with open(path, "w", encoding="ascii") as file:
            file.write("0")


def _adjust_oom_score(value: int) -> None:
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(str(value))
    except PermissionError:
        return  # only root may lower it


def _execute(argv: list[str], environment: dict[str, str]) -> None:
    """Find the program in the container's own PATH and become it."""
    name = argv[0]
    if "/" in name:
        try:
            os.execve(name, argv, environment)
        except FileNotFoundError as error:
            raise LaunchError(f'exec: "{name}": stat {name}: no such file or directory: unknown') from error
        except PermissionError as error:
            raise LaunchError(f'exec: "{name}": permission denied: unknown') from error
    denied = False
    for directory in environment.get("PATH", _DEFAULT_PATH).split(":"):
        try:
            os.execve(os.path.join(directory or ".", name), argv, environment)
        except OSError as error:
            denied = denied or error.errno == errno.EACCES
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
                raise
    reason = "permission denied" if denied else "executable file not found in $PATH"
    raise LaunchError(f'exec: "{name}": {reason}: unknown')
