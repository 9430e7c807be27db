"""Clouds that take their time: calls whose answers come later on the test's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from cloudk8s.machinery.clock import Clock

P = ParamSpec("P")
T = TypeVar("T")


class DelayedExecutor(Executor):
    """A call takes effect at once, and answers after so many seconds of the clock."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        task = asyncio.get_running_loop().create_task(self._answer(future, lambda: fn(*args, **kwargs)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return future

    async def _answer(self, future: Future[T], call: Callable[[], T]) -> None:
        outcome: T | None = None
        failure: Exception | None = None
        try:
            outcome = call()
        except Exception as error:  # noqa: BLE001 (the future carries whatever it was)
            failure = error
        await self._clock.sleep(self._seconds)
        if not future.set_running_or_notify_cancel():
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(outcome)  # type: ignore[arg-type]
