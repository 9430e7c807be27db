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
import termios
from typing import Any

from cloudk8s.node.runtimes.host.shim import identity, namespaces, root, syscalls

Description = dict[str, Any]
"""A process as JSON: argv, env, cwd, user, and what `namespaces` and `root` read; made by `host/launching.py`."""

START_ERROR = 128
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LaunchError(Exception):
    """A step before execve failed; the text is what `kubectl describe` shows."""


def launch(process: Description, stdio: tuple[int, int, int]) -> tuple[int, dict[str, Any]]:
    """Start a process and return its pid and who it runs as; the descriptors stay the caller's to close."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _child(process, stdio, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        reports = [json.loads(line) for line in file.read().splitlines()]
    for report in reports:
        if "error" in report:
            os.waitpid(pid, 0)
            raise LaunchError(report["error"])
    return pid, reports[0] if reports else {}


def _child(process: Description, stdio: tuple[int, int, int], writer: int) -> None:
    try:
        os.setsid()
        _standard_streams(stdio, is_terminal=bool(process.get("tty")))
        _default_signals()
        _become(process, writer)
    except BaseException as error:  # noqa: BLE001 - whatever happened must reach the parent
        os.write(writer, json.dumps({"error": describe(error)}).encode() + b"\n")
    finally:
        os._exit(START_ERROR)


def _become(process: Description, writer: int) -> None:
    _join_cgroups(process.get("cgroups", ()))
    if (adjustment := process.get("oom_score_adj")) is not None:
        _adjust_oom_score(int(adjustment))
    namespaces.enter(process)
    if new_root := process.get("root"):
        root.build(new_root)
    user = identity.look_up(process)
    environment = dict(process["env"])
    environment.setdefault("HOME", user.home)
    os.chdir(process.get("cwd") or "/")
    _own_streams(user)
    namespaces.map_user(process, user.uid, user.gid)
    identity.become(user, process.get("capabilities"), no_new_privileges=bool(process.get("no_new_privileges")))
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


def _standard_streams(stdio: tuple[int, int, int], *, is_terminal: bool) -> None:
    for target, source in enumerate(stdio):
        os.dup2(source, target)
    if is_terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _own_streams(user: identity.User) -> None:
    """Let a program that is not root open /dev/stdout again."""
    for fd in range(3):
        try:
            os.fchown(fd, user.uid, user.gid)
        except OSError:
            continue  # /dev/null of the host, or no privileges


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
