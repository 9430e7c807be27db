"""Whose turn it is to send."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from cloudk8s.apiserver.http.limits import Limits
from cloudk8s.apiserver.http.outbox import STREAMS_A_TURN, Outbox
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
