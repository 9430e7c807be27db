"""Small asyncio primitives: services that own their tasks, backoff on a clock, blocking calls with a deadline."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from cloudk8s.machinery.clock import Clock

T = TypeVar("T")


class Services:
    """Runs named tasks for as long as its `async with` block lasts.

    Leaving the block cancels what still runs and waits for it. A task that fails cancels the others and the block, and
    its exception leaves the block in an ExceptionGroup; one that merely ends does not.
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        self._group = None
        await self._stack.__aexit__(kind, error, traceback)

    def start(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine as a task of that name."""
        if self._group is None:
            work.close()
            raise RuntimeError(f"cannot start {name}: its services are not running")
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def names(self) -> list[str]:
        """The names of the tasks that still run, sorted."""
        return sorted(task.get_name() for task in self._tasks)


@dataclass(slots=True)
class Backoff:
    """Growing, jittered pauses between attempts; `reset` after a success."""

    clock: Clock
    initial: float = 0.1
    """Seconds before the second attempt."""
    maximum: float = 30.0
    factor: float = 2.0
    jitter: float = 0.2
    """Share by which a pause may be longer, so that many clients do not come back at once."""
    random: Callable[[], float] = field(default=random.random)
    attempts: int = 0
    """Failures since the last reset."""

    def next(self) -> float:
        """Count a failure; returns how many seconds to wait."""
        exponent = min(self.attempts, 64)
        self.attempts += 1
        pause = min(self.maximum, self.initial * self.factor**exponent)
        return min(self.maximum, pause * (1 + self.jitter * self.random()))

    async def wait(self) -> None:
        """Count a failure and sleep for it."""
        await self.clock.sleep(self.next())

    def reset(self) -> None:
        self.attempts = 0


class DeadlineExceeded(TimeoutError):
    """A call did not come back in time. Its thread may still be busy: a blocking call cannot be interrupted."""


async def run_blocking(
    call: Callable[[], T], *, deadline: float, name: str, clock: Clock, executor: Executor | None = None
) -> T:
    """Run a blocking call in a thread; DeadlineExceeded after `deadline` seconds, when its result is discarded."""
    work = asyncio.get_running_loop().run_in_executor(executor, call)
    try:
        return await within(work, deadline=deadline, name=name, clock=clock)
    except DeadlineExceeded:
        work.add_done_callback(_discard)
        raise


async def within(work: Awaitable[T], *, deadline: float, name: str, clock: Clock) -> T:
    """Wait for something at most `deadline` seconds on the clock; it is cancelled then, and when the caller is."""
    task = asyncio.ensure_future(work)
    timer = asyncio.create_task(clock.sleep(deadline), name=f"deadline of {name}")
    try:
        await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise DeadlineExceeded(f"{name} took longer than {deadline:g} s")
    finally:
        timer.cancel()
        task.cancel()


def _discard(future: asyncio.Future[Any]) -> None:
    """Look at a late outcome, so that nobody reports it as never retrieved."""
    if not future.cancelled():
        future.exception()


async def changed_or_slept(change: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait until the event is set, or that time has passed."""
    waiting = asyncio.ensure_future(change.wait())
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((waiting, sleeping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        sleeping.cancel()
