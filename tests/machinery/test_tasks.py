import asyncio
import threading

import pytest

from cloudk8s.machinery.clock import FakeClock, SystemClock
from cloudk8s.machinery.tasks import Backoff, DeadlineExceeded, Services, run_blocking, within


async def _forever() -> None:
    await asyncio.Event().wait()


async def test_services_run_until_the_block_ends() -> None:
    async with Services() as services:
        task = services.start("watcher", _forever())
        assert services.names == ["watcher"]
        assert task.get_name() == "watcher"
    assert task.cancelled()
    assert services.names == []


async def test_service_that_ends_leaves_the_others_running() -> None:
    async with Services() as services:
        services.start("long", _forever())
        await services.start("short", asyncio.sleep(0))
        await asyncio.sleep(0)
        assert services.names == ["long"]


async def test_service_that_fails_stops_the_block_and_the_others() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    others: list[asyncio.Task[None]] = []

    async def run() -> None:
        async with Services() as services:
            others.append(services.start("other", _forever()))
            services.start("failing", fail())
            await _forever()

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert [str(error) for error in caught.value.exceptions] == ["broken"]
    assert others[0].cancelled()


async def test_service_cannot_start_outside_its_block() -> None:
    services = Services()
    with pytest.raises(RuntimeError, match="cannot start late: its services are not running"):
        services.start("late", _forever())


def test_backoff_grows_to_its_maximum_and_starts_again() -> None:
    backoff = Backoff(FakeClock(), initial=1, maximum=5, jitter=0)
    assert [backoff.next() for _ in range(4)] == [1, 2, 4, 5]
    backoff.reset()
    assert backoff.next() == 1


def test_jitter_lengthens_a_pause_by_its_share() -> None:
    assert Backoff(FakeClock(), initial=10, maximum=60, jitter=0.5, random=lambda: 1.0).next() == 15


async def test_backoff_waits_on_its_clock() -> None:
    clock = FakeClock()
    waiting = asyncio.create_task(Backoff(clock, initial=5, jitter=0).wait())
    await clock.advance(4)
    assert not waiting.done()
    await clock.advance(1)
    assert waiting.done()


async def test_deadline_passes_on_the_clock() -> None:
    clock = FakeClock()
    waiting = asyncio.create_task(within(_forever(), deadline=10, name="describe", clock=clock))
    await clock.advance(9)
    assert not waiting.done()
    await clock.advance(1)
    with pytest.raises(DeadlineExceeded, match="describe took longer than 10 s"):
        await waiting


async def test_result_in_time_is_passed_on() -> None:
    async def work() -> int:
        return 3

    assert await within(work(), deadline=1, name="work", clock=FakeClock()) == 3


async def test_blocking_call_runs_in_another_thread() -> None:
    ident = await run_blocking(threading.get_ident, deadline=60, name="ident", clock=SystemClock())
    assert ident != threading.get_ident()


async def test_blocking_call_that_takes_too_long_is_left_behind() -> None:
    clock, release = FakeClock(), threading.Event()
    call = asyncio.create_task(run_blocking(release.wait, deadline=5, name="slow", clock=clock))
    await clock.advance(5)
    with pytest.raises(DeadlineExceeded):
        await call
    release.set()


async def test_error_of_a_blocking_call_is_raised() -> None:
    def fail() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await run_blocking(fail, deadline=60, name="fail", clock=SystemClock())
