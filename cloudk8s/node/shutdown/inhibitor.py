"""Delays the host's shutdown by systemd until the pods have ended."""

from __future__ import annotations

import asyncio
import logging
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, Final

from cloudk8s.machinery import codec
from cloudk8s.node.shutdown.sequence import ShutdownSequence

_RUNS: Final = Path("/run/systemd/system")
_MATCH: Final = "type='signal',interface='org.freedesktop.login1.Manager',member='PrepareForShutdown'"
_INHIBIT: Final = (
    "systemd-inhibit", "--what=shutdown", "--mode=delay", "--who=cloudk8s", "--why=pods have to end first",
    "sleep", "infinity",
)  # fmt: skip
_MONITOR: Final = ("busctl", "--json=short", "monitor", f"--match={_MATCH}")
_log = logging.getLogger(__name__)


def is_available() -> bool:
    """Whether systemd runs this host, and its commands are there."""
    return _RUNS.exists() and all(shutil.which(command) for command in ("systemd-inhibit", "busctl"))


class Inhibitor:
    """Holds a lock of systemd's, and gives it back when the pods have ended."""

    def __init__(self, sequence: ShutdownSequence) -> None:
        self._sequence = sequence

    async def run(self) -> None:
        """Watch until cancelled, or systemd's commands end."""
        lock = await asyncio.create_subprocess_exec(*_INHIBIT, stdin=DEVNULL, stdout=DEVNULL)
        monitor = await asyncio.create_subprocess_exec(*_MONITOR, stdin=DEVNULL, stdout=PIPE)
        try:
            assert monitor.stdout is not None
            async for line in monitor.stdout:
                is_beginning = _announcement(line)
                if is_beginning is None:
                    continue
                if is_beginning:
                    await self._sequence.run()
                    await _end(lock)
                else:
                    self._sequence.call_off()
                    lock = await asyncio.create_subprocess_exec(*_INHIBIT, stdin=DEVNULL, stdout=DEVNULL)
            _log.warning("systemd no longer tells of shutdowns")
        finally:
            await _end(monitor)
            await _end(lock)


def _announcement(line: bytes) -> bool | None:
    """Whether a shutdown begins (or is called off); None for what is something else."""
    try:
        message: dict[str, Any] = codec.decode(line)
    except ValueError:
        return None
    if message.get("member") != "PrepareForShutdown":
        return None
    data = (message.get("payload") or {}).get("data") or ()
    return bool(data[0]) if data else None


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.wait()
