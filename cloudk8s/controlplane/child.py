"""A component in a process of its own, kept running while this one does."""

from __future__ import annotations

import asyncio
import logging
import os
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

STOP_SECONDS: Final = 15.0
"""How long a component may take to stop, unless more was granted."""
_RESTART_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


async def keep_running(
    arguments: Sequence[str], log: Path, *, name: str = "", descriptors: tuple[int, ...] = (),
    patience: float = STOP_SECONDS,
) -> None:  # fmt: skip
    """Start it, and again when it ends by itself, until cancelled. Its input ends with this process, and so does it.

    It inherits the descriptors; `name` is what the log calls it, else its command. It has `patience` seconds to stop.
    """
    while True:
        stream = await asyncio.to_thread(_open, log)
        try:
            process = await asyncio.create_subprocess_exec(
                *arguments, stdin=asyncio.subprocess.PIPE, stdout=stream, stderr=stream, start_new_session=True,
                env=os.environ | {"NO_COLOR": "1"}, pass_fds=descriptors,
            )  # fmt: skip
        finally:
            stream.close()
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _stop(process, patience)
            raise
        _log.error("%s ended with code %s, see %s; starting it again", name or arguments[3], code, log)
        await asyncio.sleep(_RESTART_SECONDS)


async def _stop(process: Process, patience: float) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(patience):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _open(log: Path) -> IO[bytes]:
    return log.open("ab")
