"""Read a container's log file, from the wanted line on, and follow it while the container runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from cloudk8s.machinery.clock import Clock
from cloudk8s.node.server.log_lines import LogOptions, Selection
from cloudk8s.node.server.responses import Write

_CHUNK = 256 * 1024
_POLL_SECONDS = 0.2
_BLOCK = 64 * 1024


async def send_log(
    path: Path, options: LogOptions, write: Write, *, is_running: Callable[[], bool], clock: Clock
) -> None:  # fmt: skip
    """Write what the options choose; with `follow`, until the container has ended and all is written."""
    file = await asyncio.to_thread(_open, path, options.tail)
    successor: BinaryIO | None = None
    selection, rest = Selection(options), b""
    try:
        while not selection.is_full:
            was_running = is_running()
            data = await asyncio.to_thread(file.read, _CHUNK)
            if data:
                *lines, rest = (rest + data).split(b"\n")
                await write(b"".join(map(selection.render, lines)))
            elif successor is not None:
                file.close()
                file, successor, rest = successor, None, b""
            elif (successor := await asyncio.to_thread(_reopened, path, file)) is not None:
                continue  # what was written before the log was rotated, and after the last look, is still in this one
            elif not options.follow or not was_running:
                return
            else:
                await clock.sleep(_POLL_SECONDS)
    finally:
        for each in filter(None, (file, successor)):
            each.close()


def _open(path: Path, tail: int | None) -> BinaryIO:
    file = path.open("rb")
    if tail is not None:
        file.seek(tail_offset(file, tail))
    return file


def tail_offset(file: BinaryIO, lines: int) -> int:
    """Where the last lines begin."""
    end = position = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return end
    found = 0
    while position > 0:
        size = min(_BLOCK, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            if position + at + 1 < end:
                found += 1
                if found == lines:
                    return position + at + 1
    return 0


def _reopened(path: Path, file: BinaryIO) -> BinaryIO | None:
    """The new file where the log was rotated since; None where it was not."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return path.open("rb") if status.st_ino != os.fstat(file.fileno()).st_ino else None
