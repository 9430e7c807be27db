"""Stop on request, or when the process that started this one is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any


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


async def run_until_stopped(work: Coroutine[Any, Any, None], *, name: str) -> None:
    """Run until SIGINT or SIGTERM, or until the work ends; raises what it raises."""
    stopped = asyncio.create_task(until_stopped(), name="signals")
    working = asyncio.create_task(work, name=name)
    try:
        await asyncio.wait({stopped, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (stopped, working):
            task.cancel()
        await asyncio.gather(stopped, working, return_exceptions=True)


def _look_for_end(descriptor: int, stopped: asyncio.Event) -> None:
    try:
        has_ended = not os.read(descriptor, 4096)
    except BlockingIOError:
        return
    if has_ended:
        asyncio.get_running_loop().remove_reader(descriptor)
        stopped.set()
