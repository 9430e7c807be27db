"""Start, find and stop the emulator process; a state file says where it answers."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from cloudk8s.controlplane.directories import home
from cloudk8s.errors import CloudK8sError, SettingsError
from cloudk8s.machinery import codec

START_SECONDS, STOP_SECONDS = 60.0, 10.0


@dataclass(frozen=True, slots=True)
class ServerState:
    """A running emulator."""

    pid: int
    url: str
    started: str


def state_file() -> Path:
    """Where the state of the emulator of this user is."""
    return home() / ".offline" / "server.json"


def write_state(path: Path, state: ServerState) -> None:
    """Say that it runs."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(codec.encode(asdict(state)))
    temporary.replace(path)


def clear_state(path: Path) -> None:
    """Say that it runs no more."""
    path.unlink(missing_ok=True)


def running(path: Path | None = None) -> ServerState | None:
    """The emulator, if it runs; a state file that a crash left behind means nothing."""
    try:
        state = ServerState(**codec.decode((path or state_file()).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return state if _is_emulator(state.pid) else None


def start(path: Path | None = None, *, port: int = 0) -> ServerState:
    """The running emulator, started where there is none; it outlives this process."""
    path = path or state_file()
    if (state := running(path)) is not None:
        return state
    if find_spec("moto") is None or find_spec("flask") is None:
        raise SettingsError("--offline needs an emulator: pip install 'cloudk8s[offline]'")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once start one emulator
        return running(path) or _spawn(path, port)


def stop(path: Path | None = None) -> bool:
    """Stop the emulator; the account is lost. False where none was running."""
    path = path or state_file()
    state = running(path)
    if state is None:
        clear_state(path)
        return False
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_emulator(state.pid):
        if time.monotonic() > deadline:
            os.kill(state.pid, signal.SIGKILL)
            break
        time.sleep(0.02)
    clear_state(path)
    return True


def _spawn(path: Path, port: int) -> ServerState:
    log = path.with_suffix(".log")
    command = [sys.executable, "-m", "cloudk8s", "offline", "serve", "--state-file", str(path), "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    return _until_ready(path, process, log)


def _until_ready(path: Path, process: subprocess.Popen[bytes], log: Path) -> ServerState:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = running(path)
        if state is not None:
            return state
        if process.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise CloudK8sError(
                f"the emulator did not start: {lines[-1] if lines else 'it printed nothing'} (see {log})"
            )
        time.sleep(0.02)
    process.terminate()
    raise CloudK8sError(f"the emulator did not answer within {START_SECONDS:.0f} s (see {log})")


def _is_emulator(pid: int) -> bool:
    """Whether the process lives and is ours: a pid may have been given to another one since."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return _is_alive(pid) if not Path("/proc/self").exists() else False
    return b"offline" in words and b"serve" in words


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
