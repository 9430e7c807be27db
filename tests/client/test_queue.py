from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.rate_limit import RateLimit
from cloudk8s.errors import Forbidden
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.instruments import Instruments


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue(clock: FakeClock) -> WorkQueue[str]:
    return WorkQueue("test", clock=clock)


@asynccontextmanager
async def workers(
    queue: WorkQueue[str], reconcile: Callable[[str], Awaitable[timedelta | None]], count: int = 1
) -> AsyncIterator[None]:
    task = asyncio.create_task(run_workers(queue, count, reconcile))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_item_added_twice_is_taken_once(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_an_item_added_while_processed_comes_again_after_done(queue: WorkQueue[str]) -> None:
    queue.add("a")
    item = await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done(item)
    assert len(queue) == 1


async def test_get_waits_for_an_item(queue: WorkQueue[str]) -> None:
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    first.cancel()
    queue.add("a")
    assert await second == "a"


async def test_delayed_items_come_in_order_of_their_time(clock: FakeClock, queue: WorkQueue[str]) -> None:
    seen: list[tuple[str, float]] = []

    async def reconcile(item: str) -> None:
        seen.append((item, clock.monotonic()))

    async with workers(queue, reconcile):
        queue.add_after("late", 10)
        queue.add_after("early", timedelta(seconds=3))
        queue.add_after("late", 7)
        queue.add_after("late", 9)
        await clock.advance(20)
    assert seen == [("early", 3), ("late", 7)]


async def test_failures_back_off_exponentially_until_success(clock: FakeClock, queue: WorkQueue[str]) -> None:
    seen: list[float] = []

    async def reconcile(_: str) -> None:
        seen.append(round(clock.monotonic(), 4))
        if len(seen) < 4:
            raise RuntimeError("not yet")

    async with workers(queue, reconcile):
        queue.add("a")
        await clock.advance(1)
        assert seen == [0, 0.005, 0.015, 0.035]
        assert queue.failures("a") == 0


async def test_backoff_ends_at_a_thousand_seconds(clock: FakeClock, queue: WorkQueue[str]) -> None:
    async def reconcile(_: str) -> None:
        raise RuntimeError("never")

    async with workers(queue, reconcile):
        queue.add("a")
        await clock.advance(100_000)
        failures = queue.failures("a")
        await clock.advance(1000)
        assert queue.failures("a") == failures + 1


async def test_many_that_fail_at_once_are_retried_at_the_rate_of_all(clock: FakeClock) -> None:
    queue: WorkQueue[str] = WorkQueue("test", clock=clock, retries=RateLimit(clock, qps=10, burst=2))
    times: dict[str, float] = {}

    async def fail_once(item: str) -> None:
        if queue.failures(item) == 0:
            raise ValueError(item)
        times[item] = clock.monotonic()

    begun = clock.monotonic()
    async with workers(queue, fail_once):
        for item in "abcd":
            queue.add(item)
        await clock.advance(1)
    assert [round(times[item] - begun, 3) for item in "abcd"] == [0.005, 0.005, 0.1, 0.2]


async def test_reconcile_says_when_to_look_again(clock: FakeClock, queue: WorkQueue[str]) -> None:
    seen: list[float] = []

    async def reconcile(_: str) -> timedelta | None:
        seen.append(clock.monotonic())
        return timedelta(seconds=60) if len(seen) < 3 else None

    async with workers(queue, reconcile):
        queue.add("a")
        await clock.advance(1000)
    assert seen == [0, 60, 120]


@pytest.mark.parametrize(("error", "has_trace"), [(Forbidden("not yours"), False), (KeyError("x"), True)])
async def test_only_failures_that_explain_nothing_are_logged_with_where_they_happened(
    queue: WorkQueue[str], caplog: pytest.LogCaptureFixture, error: Exception, has_trace: bool
) -> None:
    async def reconcile(item: str) -> None:
        raise error

    queue.add("a")
    async with workers(queue, reconcile):
        while not caplog.records:
            await asyncio.sleep(0)
    (record,) = caplog.records
    assert record.getMessage() == f"test: a: {error}; trying again"
    assert bool(record.exc_info) is has_trace


async def test_one_item_is_never_processed_twice_at_once(clock: FakeClock, queue: WorkQueue[str]) -> None:
    active: set[str] = set()
    most = 0

    async def reconcile(item: str) -> None:
        nonlocal most
        assert item not in active
        active.add(item)
        most = max(most, len(active))
        queue.add(item)
        await clock.sleep(1)
        active.discard(item)

    async with workers(queue, reconcile, count=3):
        for item in "abcde":
            queue.add(item)
        await clock.advance(10)
    assert most == 3


async def test_a_queue_counts_its_items_and_how_long_they_take() -> None:
    clock, instruments = FakeClock(), Instruments()
    queue: WorkQueue[str] = WorkQueue("job", clock=clock, instruments=instruments)
    queue.add("a")
    queue.add("a")
    queue.add("b")
    queue.add_after("c", 5)
    await clock.advance(2)
    await queue.get()
    await clock.advance(3)
    text = page(instruments.families())
    for line in (
        'workqueue_adds_total{name="job"} 2',
        'workqueue_depth{name="job"} 1',
        'workqueue_longest_running_processor_seconds{name="job"} 3',
        'workqueue_queue_duration_seconds_sum{name="job"} 2',
        'workqueue_retries_total{name="job"} 1',
        'workqueue_unfinished_work_seconds{name="job"} 3',
        'workqueue_work_duration_seconds_count{name="job"} 0',
    ):
        assert f"\n{line}\n" in text
    queue.done("a")
    text = page(instruments.families())
    assert '\nworkqueue_work_duration_seconds_sum{name="job"} 3\n' in text
    assert '\nworkqueue_unfinished_work_seconds{name="job"} 0\n' in text
    assert 'workqueue_queue_duration_seconds_bucket{name="job",le="9.999999999999999e-06"} 0' in text
