"""What /proc tells about processes, and waiting for ones that are not our children."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import orjson

_TICK_NANOSECONDS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tree of processes uses; CPU is that of living processes and of the children they waited for."""

    cpu_nanoseconds: int = 0
    rss_bytes: int = 0
    processes: int = 0


def boot_id() -> str:
    """What tells one start of this machine from another."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks after boot; None where there is none or it is a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[19])


def is_same(pid: int, ticks: int) -> bool:
    """Whether the process that was started then still lives under this pid."""
    return pid > 0 and start_ticks(pid) == ticks


def recorded_pid(path: Path) -> int | None:
    """The pid of a process that wrote `{pid, start_ticks, boot_id}` to a file, if it still lives."""
    try:
        record = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    same = record.get("boot_id") == boot_id() and is_same(int(record["pid"]), int(record["start_ticks"]))
    return int(record["pid"]) if same else None


def send_signal(pid: int, number: int) -> None:
    """Signal a process; one that has gone is success."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


async def ended(pid: int) -> None:
    """Return once a process has ended, whoever's child it is."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:
        await _poll(pid)
        return
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.add_reader(fd, _resolve, future)
    try:
        await future
    finally:
        loop.remove_reader(fd)
        os.close(fd)


def tree_usage(root: int) -> Usage:
    """What all descendants of a process use, without itself."""
    cpu = rss = count = 0
    pending = _children(root)
    while pending:
        pid = pending.pop()
        pending += _children(pid)
        if fields := _stat(pid):
            cpu += sum(int(ticks) for ticks in fields[11:15]) * _TICK_NANOSECONDS or _scheduled(pid)
            rss += int(fields[21])
            count += 1
    return Usage(cpu, rss * _PAGE, count)


def signal_number(name: str, default: int = signal.SIGTERM) -> int:
    """Read `SIGQUIT`, `QUIT` or `3`; `SIGRTMIN+3` too."""
    text = name.upper().removeprefix("SIG")
    if text.isdigit():
        return int(text)
    base, plus, offset = text.partition("+")
    try:
        return int(signal.Signals[f"SIG{base}"]) + (int(offset) if plus else 0)
    except (KeyError, ValueError):
        return default


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name; index 0 is the state."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _scheduled(pid: int) -> int:
    """Nanoseconds of the main thread, of a process that has not used a tick yet."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]


async def _poll(pid: int) -> None:
    """For kernels before 5.3."""
    while await asyncio.to_thread(start_ticks, pid) is not None:  # noqa: ASYNC110 - there is nothing to wait on
        await asyncio.sleep(_POLL_SECONDS)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
