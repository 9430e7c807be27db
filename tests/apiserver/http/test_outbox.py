"""Whose turn it is to send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, cast

import pytest

from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.apiserver.http.outbox import EVENTS, LEAST, LONG, MAX_PAUSE, PAUSE, STREAMS_A_TURN, Outbox
from cloudk8s.apiserver.http.stream import END, ENOUGH, ChunkedWriter


class Wire:
    """A transport that remembers what was written, and may fail to."""

    def __init__(self, log: list[bytes], *, fails: bool = False) -> None:
        self._log = log
        self._fails = fails

    def write(self, data: bytes) -> None:
        if self._fails:
            raise OSError("broken")
        self._log.append(data)

    def set_write_buffer_limits(self, high: int | None = None) -> None:
        pass


class Timer:
    """One call of `Loop.call_later`."""

    def __init__(self, delay: float, call: Callable[[], object]) -> None:
        self.delay = delay
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """A loop whose turns a test makes, and whose timers it only remembers."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []
        self.later: list[Timer] = []

    def call_soon(self, call: Callable[[], object]) -> None:
        self.soon.append(call)

    def call_later(self, delay: float, call: Callable[[], object]) -> Timer:
        self.later.append(Timer(delay, call))
        return self.later[-1]

    def pass_pause(self) -> float:
        """Let the timers go off, each with what it leads to, and tell how long they took in all."""
        passed = 0.0
        while self.later:
            timer = self.later.pop(0)
            if not timer.is_cancelled:
                passed += timer.delay
                timer.call()
        return passed

    def turn(self) -> None:
        calls, self.soon = self.soon, []
        for call in calls:
            call()

    def run(self) -> None:
        while self.soon:
            self.turn()


def outbox_on(loop: Loop, *, step: float = 0.0) -> Outbox:
    """An outbox whose clock moves a step each time it is read, which is twice a turn."""
    seconds = count(0.0, step)
    return Outbox(cast(asyncio.AbstractEventLoop, cast(Any, loop)), lambda: next(seconds))


def stream(outbox: Outbox, log: list[bytes], *, fails: bool = False) -> ChunkedWriter:
    transport = cast(asyncio.Transport, cast(Any, Wire(log, fails=fails)))
    return ChunkedWriter(transport, Limits(), outbox, lambda clean: None)


async def test_sends_what_came_before_a_turn_in_one_write() -> None:
    log: list[bytes] = []
    writer = stream(Outbox(asyncio.get_running_loop()), log)
    writer.write_framed(b"one")
    writer.write_framed(b"two")
    assert log == []
    await asyncio.sleep(0)
    assert log == [b"onetwo"]


async def test_serves_some_streams_in_each_turn_in_their_order() -> None:
    log: list[bytes] = []
    outbox = Outbox(asyncio.get_running_loop())
    names = [b"%d" % number for number in range(STREAMS_A_TURN + 2)]
    for name in names:
        stream(outbox, log).write_framed(name)
    await asyncio.sleep(0)
    assert log == names[:STREAMS_A_TURN]
    await asyncio.sleep(0)
    assert log == names


async def test_sends_what_waits_before_the_end() -> None:
    log: list[bytes] = []
    writer = stream(Outbox(asyncio.get_running_loop()), log)
    writer.write_framed(b"last")
    writer.close()
    await asyncio.sleep(0)
    assert log == [b"last", END]


async def test_does_not_let_much_wait() -> None:
    log: list[bytes] = []
    chunk = b"x" * (ENOUGH + 1)
    writer = stream(Outbox(asyncio.get_running_loop()), log)
    writer.write_framed(chunk)
    assert log == [chunk]
    await asyncio.sleep(0)
    writer.write_framed(b"next")
    await asyncio.sleep(0)
    assert log == [chunk, b"next"]


async def test_goes_on_after_a_stream_that_fails() -> None:
    log: list[bytes] = []
    loop = asyncio.get_running_loop()
    failures: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, failure: failures.append(failure))
    outbox = Outbox(loop)
    stream(outbox, [], fails=True).write_framed(b"lost")
    stream(outbox, log).write_framed(b"sent")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (log, len(failures)) == ([b"sent"], 1)


async def test_pauses_after_a_long_round_and_sends_what_gathered_in_one_write() -> None:
    loop, log = Loop(), list[bytes]()
    streams = _after_a_long_round(loop, outbox_on(loop, step=0.001), log)
    for each in streams:
        each.write_framed(b"second")
        each.write_framed(b"third")
    assert (log, loop.soon) == ([], [])
    assert loop.pass_pause() == pytest.approx(PAUSE * 0.001)
    loop.run()
    assert log == [b"secondthird"] * len(streams)


async def test_a_pause_ends_early_when_a_stream_has_enough_to_send() -> None:
    loop, log = Loop(), list[bytes]()
    streams = _after_a_long_round(loop, outbox_on(loop, step=0.001), log)
    loop.later.pop(0).call()  # the least pause
    (rest,) = loop.later
    for _ in range(EVENTS - 1):
        streams[0].write_framed(b"x")
    assert (rest.is_cancelled, loop.soon) == (False, [])
    streams[0].write_framed(b"y")
    assert rest.is_cancelled
    loop.run()
    assert log == [b"x" * (EVENTS - 1) + b"y"]


async def test_a_pause_is_as_long_as_the_round_however_much_there_is_to_send() -> None:
    loop, log = Loop(), list[bytes]()
    streams = _after_a_long_round(loop, outbox_on(loop, step=0.001), log)
    for _ in range(EVENTS):
        streams[0].write_framed(b"x")
    assert (log, loop.soon) == ([], [])
    assert loop.pass_pause() == pytest.approx(LEAST * 0.001)
    loop.run()
    assert log == [b"x" * EVENTS]


async def test_never_pauses_for_long() -> None:
    loop = Loop()
    _after_a_long_round(loop, outbox_on(loop, step=60.0), list[bytes]())
    assert loop.pass_pause() == MAX_PAUSE


def _after_a_long_round(loop: Loop, outbox: Outbox, log: list[bytes]) -> list[ChunkedWriter]:
    """As many streams as make a round long, which have just sent something."""
    streams = [stream(outbox, log) for _ in range(LONG + 1)]
    for each in streams:
        each.write_framed(b"first")
    loop.run()
    assert log == [b"first"] * len(streams)
    log.clear()
    return streams


async def test_does_not_pause_where_few_watch() -> None:
    loop, log = Loop(), list[bytes]()
    outbox = outbox_on(loop, step=1.0)
    writer = stream(outbox, log)
    writer.write_framed(b"one")
    loop.run()
    writer.write_framed(b"two")
    loop.run()
    assert (log, loop.later) == ([b"one", b"two"], [])


async def test_wakes_up_after_a_pause_in_which_nothing_came() -> None:
    loop, log = Loop(), list[bytes]()
    streams = _after_a_long_round(loop, outbox_on(loop), log)
    loop.pass_pause()
    assert loop.soon == []
    streams[0].write_framed(b"y")
    loop.run()
    assert log == [b"y"]
