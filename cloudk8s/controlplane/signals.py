"""Stop on request, or when the process that started this one is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys


async def until_stopped(*, with_input: bool = False) -> None:
    """Return at the first SIGINT or SIGTERM; `with_input` also at the end of standard input.

    Whoever starts a process with a pipe for its input ends it that way even by being killed.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if with_input:
        descriptor = sys.stdin.fileno()
        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, _look_for_end, descriptor, stopped)
    await stopped.wait()


def _look_for_end(descriptor: int, stopped: asyncio.Event) -> None:
    try:
        has_ended = not os.read(descriptor, 4096)
    except BlockingIOError:
        return
    if has_ended:
        asyncio.get_running_loop().remove_reader(descriptor)
        stopped.set()
