"""Calls of blocking contracts: deadlines, limits, one at a time for one object."""

from __future__ import annotations

import asyncio
import threading

import pytest

from cloudk8s.cloud.calls import CallLimits, Calls, DeadlineExceeded
from cloudk8s.errors import CloudError, CloudForbidden, SettingsError
from cloudk8s.machinery.clock import FakeClock, SystemClock
from cloudk8s.testing.inline import InlineExecutor


async def test_a_call_runs_in_a_thread_of_its_own() -> None:
    calls = Calls("c", CallLimits(), clock=SystemClock())
    assert await calls.run("key", threading.get_ident) != threading.get_ident()
    calls.close()


async def test_a_late_call_is_given_up_and_its_object_stays_busy() -> None:
    release, clock = threading.Event(), FakeClock()
    calls = Calls("c", CallLimits(deadline=10), clock=clock)
    late = asyncio.create_task(calls.run("web", release.wait, 5))
    await clock.advance(11)
    with pytest.raises(DeadlineExceeded, match="no answer in 10 s for web"):
        await late
    with pytest.raises(CloudError, match="an earlier call for web has not returned"):
        await calls.run("web", int)
    assert await calls.run("other", int) == 0
    release.set()
    while calls._running["web"].done() is False:
        await asyncio.sleep(0)
    assert await calls.run("web", int) == 0
    calls.close()


async def test_the_rate_limit_makes_callers_wait_in_order() -> None:
    clock = FakeClock()
    calls = Calls("c", CallLimits(per_second=2, burst=2), clock=clock, executor=InlineExecutor())
    done: list[float] = []

    async def one() -> None:
        await calls.run(None, int)
        done.append(clock.monotonic())

    tasks = [asyncio.create_task(one()) for _ in range(5)]
    await clock.advance(5)
    await asyncio.gather(*tasks)
    assert done == [0, 0, 0.5, 1, 1.5]
    assert calls.made == 5


@pytest.mark.parametrize(
    ("raised", "kind", "text"),
    [
        (CloudForbidden("no"), CloudForbidden, "no"),
        (KeyError("x"), CloudError, "KeyError: 'x'"),
        (SettingsError("set vpc_id"), CloudError, "set vpc_id"),
    ],
)
async def test_whatever_an_sdk_raises_becomes_the_cores(raised: Exception, kind: type[CloudError], text: str) -> None:
    def fail() -> None:
        raise raised

    calls = Calls("c", CallLimits(), clock=FakeClock(), executor=InlineExecutor())
    with pytest.raises(kind) as caught:
        await calls.run(None, fail)
    assert str(caught.value) == text
