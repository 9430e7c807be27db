"""The event loop calls blocking contracts: in worker threads, with a deadline, a rate limit and a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from cloudk8s.cloud.metrics import CloudMetrics, NoMetrics
from cloudk8s.errors import CloudError, UserError
from cloudk8s.machinery.clock import Clock

P = ParamSpec("P")
T = TypeVar("T")


class DeadlineExceeded(CloudError):
    """A call did not come back in time; what it did is not known."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How a cloud may be called."""

    concurrency: int = 16
    deadline: float = 120.0
    """Seconds."""
    per_second: float = 0.0
    """Calls a second on average; 0 is no limit."""
    burst: int = 100


class Calls:
    """The calls of one cloud. A call that missed its deadline keeps its thread, and its key, until it returns."""

    def __init__(
        self, name: str, limits: CallLimits, *, clock: Clock, executor: Executor | None = None,
        metrics: CloudMetrics | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._limits = limits
        self._clock = clock
        self._executor = executor
        self._running: dict[Hashable, Future[object]] = {}
        self._metrics = metrics or NoMetrics()
        self._tokens = float(limits.burst)
        self._filled = clock.monotonic()
        self.made = 0
        """How many calls were made."""

    async def run(self, key: Hashable, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in a thread. Calls with one key never overlap; None overlaps with everything.

        Raises CloudError: DeadlineExceeded, an earlier call for the key that is stuck, what the function raises, and
        for any other exception of an SDK a transient one that tells it.
        """
        if key is not None and (stuck := self._running.get(key)) is not None and not stuck.done():
            raise CloudError(f"cloud {self.name}: an earlier call for {key} has not returned yet")
        await self._turn()
        self.made += 1
        future = self._pool().submit(function, *args, **kwargs)
        if key is not None:
            self._running[key] = future  # type: ignore[assignment]
        started, outcome = self._clock.monotonic(), "ok"
        try:
            return await self._wait(future, key)
        except CloudError as error:
            outcome = type(error).__name__
            raise
        finally:
            seconds = self._clock.monotonic() - started
            self._metrics.called(self.name, getattr(function, "__name__", "call"), outcome, seconds)
            if future.done():
                self._running.pop(key, None)

    def close(self) -> None:
        """Stop taking calls; running ones are left alone."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _pool(self) -> Executor:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._limits.concurrency, thread_name_prefix=f"cloud-{self.name}")
        return self._executor

    async def _wait(self, future: Future[T], key: Hashable) -> T:
        answer = asyncio.wrap_future(future)
        deadline = asyncio.ensure_future(self._clock.sleep(self._limits.deadline))
        try:
            await asyncio.wait((answer, deadline), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return _result(answer)
            future.cancel()
            raise DeadlineExceeded(f"cloud {self.name}: no answer in {self._limits.deadline:g} s for {key}")
        finally:
            deadline.cancel()

    async def _turn(self) -> None:
        """Wait until the rate limit lets the next call go; in the order of arrival."""
        if not self._limits.per_second:
            return
        now = self._clock.monotonic()
        refill = (now - self._filled) * self._limits.per_second
        self._tokens, self._filled = min(float(self._limits.burst), self._tokens + refill), now
        self._tokens -= 1
        if self._tokens < 0:
            await self._clock.sleep(-self._tokens / self._limits.per_second)


def _result(answer: asyncio.Future[T]) -> T:
    try:
        return answer.result()
    except CloudError:
        raise
    except Exception as error:
        raise CloudError(str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}") from error
