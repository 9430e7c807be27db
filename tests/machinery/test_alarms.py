"""Thousands wait with few timers, and are woken in their time."""

from __future__ import annotations

import asyncio

import pytest

from cloudk8s.machinery.alarms import Alarms


class Sleeper:
    def __init__(self, fails: bool = False) -> None:
        self.woken = asyncio.Event()
        self.fails = fails

    def wake(self) -> None:
        self.woken.set()
        if self.fails:
            raise RuntimeError("woken badly")


async def test_it_is_woken_after_its_time_and_not_before() -> None:
    alarms, sleeper, loop = Alarms(), Sleeper(), asyncio.get_running_loop()
    began = loop.time()
    alarms.set(sleeper, 0.02)
    async with asyncio.timeout(5):
        await sleeper.woken.wait()
    assert loop.time() - began >= 0.019
    assert not len(alarms)


async def test_many_who_wait_long_share_few_timers_and_are_hardly_late() -> None:
    alarms, now = Alarms(), asyncio.get_running_loop().time()
    for number in range(2000):
        seconds = 1800 * (1 + number / 2000)
        moment = alarms.set(Sleeper(), seconds)
        assert -0.01 <= moment.time - now - seconds <= seconds / 100
    assert len(alarms) < 500
    assert all(moment.sleepers for moment in alarms._moments.values())


async def test_who_leaves_is_not_woken_and_leaves_no_timer() -> None:
    alarms, stays, leaves = Alarms(), Sleeper(), Sleeper()
    moments = [alarms.set(each, 100.0) for each in (stays, leaves)]
    moments[1].leave(leaves)
    moments[1].leave(leaves)
    assert len(alarms) == 1
    assert moments[0].sleepers == {stays}
    moments[0].leave(stays)
    assert not len(alarms)


async def test_one_that_fails_does_not_keep_the_others_asleep(caplog: pytest.LogCaptureFixture) -> None:
    alarms, all_of_them = Alarms(), [Sleeper(fails=True), Sleeper(fails=True)]
    moment = alarms.set(all_of_them[0], 60.0)
    moment.sleepers.update(all_of_them)
    moment._ring()
    assert all(each.woken.is_set() for each in all_of_them)
    assert "woken badly" in caplog.text
    assert not len(alarms)
