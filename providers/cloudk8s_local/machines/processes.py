"""The process that is a machine: its script, found again by its id and start time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

_DIRECTORY_VARIABLE = "CLOUDK8S_MACHINE_DIR"
_NETWORK_VARIABLE = "CLOUDK8S_HOST_NETWORK"
_PASSED = ("HOME", "LANG", "PYTHONPATH", "XDG_DATA_HOME")


def spawn(directory: Path, command: Sequence[str], *, knows_host: bool = False) -> None:
    """Run a command that outlives this process, with its output in the machine's `console.log`.

    One that `knows_host` gets this process's network as a descriptor, so that it can act outside of its own.
    """
    state = directory / "state"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = environment(state)
    with ExitStack() as stack:
        console = stack.enter_context((directory / "console.log").open("ab"))
        passed: tuple[int, ...] = ()
        if knows_host:
            passed = (stack.enter_context(open("/proc/self/ns/net", "rb")).fileno(),)
            known[_NETWORK_VARIABLE] = str(passed[0])
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True, cwd=state,
            env=known, pass_fds=passed,
        )  # fmt: skip
    fresh = directory / "pid.new"
    fresh.write_text(f"{process.pid} {_started(process.pid)}")
    fresh.replace(directory / "pid")


def environment(state: Path) -> dict[str, str]:
    """What a machine's script is told."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    path = os.environ.get("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    own = {_DIRECTORY_VARIABLE: str(state), "CLOUDK8S": f"{sys.executable} -m cloudk8s", "NO_COLOR": "1"}
    return {"PATH": path, **passed, **own}


def main_process(directory: Path) -> int:
    """The id of the machine's first process; 0 where it does not live."""
    try:
        pid, started = (directory / "pid").read_text().split()
    except (FileNotFoundError, ValueError):
        return 0
    return int(pid) if started and _started(int(pid)) == started else 0


def of_machine(directory: Path) -> Iterable[int]:
    """Processes that have the machine's directory in their environment: its script and what that started."""
    mark = f"{_DIRECTORY_VARIABLE}={directory / 'state'}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
        except OSError:
            continue


def kill(directory: Path) -> None:
    """End them all; returns once they are gone."""
    for _ in range(100):
        left = list(of_machine(directory))
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if not left:
            return
        time.sleep(0.02)


def purge(state: Path) -> None:
    """Take back what the pods of the machine's node had of the host, and delete its files."""
    if state.exists():
        command = [sys.executable, "-m", "cloudk8s.controlplane.host.purging", str(state)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty where it is none, or has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
