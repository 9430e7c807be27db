"""How long a request may take: what its `timeout` says, and a minute at most, as upstream's `--request-timeout`.

Watches and what leads to a node (logs, commands, proxies) go on for as long as they like.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any, Final

from cloudk8s.apiserver.context import RequestContext
from cloudk8s.errors import BadRequest, Timeout
from cloudk8s.machinery.times import TimeError, parse_duration

LONGEST: Final = 60.0
"""Seconds."""
LONG: Final = frozenset({"attach", "exec", "log", "portforward", "proxy"})
"""Subresources whose requests may go on for ever."""


def patience(context: RequestContext, verb: str) -> float | None:
    """Seconds that a request may take, None for ever; BadRequest if its `timeout` is no duration."""
    info = context.info
    if info.is_resource and (info.subresource in LONG or verb == "watch"):
        return None
    text = context.query.get("timeout") if "timeout" in context.query else ""
    if not text:
        return LONGEST
    try:
        wanted = parse_duration(text).total_seconds()
    except TimeError as problem:
        raise BadRequest(f"invalid timeout specified in the request URL - {problem}") from None
    return min(wanted, LONGEST) if wanted > 0 else LONGEST


class Deadlines:
    """Cancels the tasks of requests that take too long.

    Nearly all may take the longest time; for them it is looked sixty times in that time who is late, because a timer
    for each costs more than anything else that is done for all. Who asked for less has a timer.
    """

    def __init__(self) -> None:
        self._began: dict[asyncio.Task[Any], float] = {}
        """The oldest first."""
        self._timers: dict[asyncio.Task[Any], asyncio.TimerHandle] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._is_looking = False

    def begin(self, task: asyncio.Task[Any], seconds: float) -> None:
        """Cancel the task after so many seconds, unless `end` is called before."""
        if seconds < LONGEST:
            self._timers[task] = task.get_loop().call_later(seconds, self._cancel, task)
            return
        self._began[task] = perf_counter()
        if not self._is_looking:
            self._is_looking = True
            task.get_loop().call_later(LONGEST / 60, self._look, task.get_loop())

    def end(self, task: asyncio.Task[Any]) -> bool:
        """The request waits no longer; tells whether it was cancelled for being late."""
        if self._began.pop(task, None) is None and (timer := self._timers.pop(task, None)) is not None:
            timer.cancel()
        if task not in self._late:
            return False
        self._late.remove(task)
        return True

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        earliest = perf_counter() - LONGEST
        for task, began in list(self._began.items()):
            if began > earliest:
                break
            del self._began[task]
            self._cancel(task)
        self._is_looking = bool(self._began)
        if self._is_looking:
            loop.call_later(LONGEST / 60, self._look, loop)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self._late.add(task)
        task.cancel()


def overdue() -> Timeout:
    return Timeout("Timeout: request did not complete within requested timeout - context deadline exceeded")
