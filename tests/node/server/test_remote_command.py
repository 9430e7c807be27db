"""Exec and attach between a runtime's session and a client that behave unlike most."""

from __future__ import annotations

import asyncio
import json

from cloudk8s.apiserver.streaming import channels as channel
from cloudk8s.apiserver.streaming.channels import Piece
from cloudk8s.node.runtimes.interface import STDOUT, RuntimeFailure, StreamOptions
from cloudk8s.node.server import remote_command

OPTIONS = StreamOptions(stdin=True, stderr=False)


class Client:
    """Channels of a client that says what it is told to, and leaves when it is told to."""

    protocol = channel.V4

    def __init__(self) -> None:
        self.said: asyncio.Queue[Piece | None] = asyncio.Queue()
        self.heard: dict[int, bytes] = {channel.STDOUT: b"", channel.ERROR: b""}
        self.is_closed = False

    async def read(self) -> Piece | None:
        return await self.said.get()

    async def write(self, channel: int, data: bytes) -> None:
        self.heard[channel] += data

    async def end(self, channel: int) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        self.is_closed = True


class Command:
    """A session whose output is given and which ends when it is told to."""

    def __init__(self, *output: bytes, failure: str = "") -> None:
        self._output, self._failure = list(output), failure
        self.may_end = asyncio.Event()
        self.waits = asyncio.Event()
        self.is_closed = False

    async def read(self) -> tuple[int, bytes] | None:
        return (STDOUT, self._output.pop(0)) if self._output else None

    async def write(self, data: bytes) -> None:
        """Nobody reads it."""

    async def close_stdin(self) -> None:
        """Nobody reads it."""

    def resize(self, columns: int, rows: int) -> None:
        """It has no terminal."""

    async def wait(self) -> int:
        self.waits.set()
        await self.may_end.wait()
        if self._failure:
            raise RuntimeFailure(self._failure)
        return 0

    async def close(self) -> None:
        self.is_closed = True


async def test_a_client_may_leave_a_command_that_runs_on_without_its_output() -> None:
    client, command = Client(), Command(b"bye\n")

    async def opened() -> Command:
        return command

    async with asyncio.timeout(10):
        serving = asyncio.create_task(remote_command._run(client, OPTIONS, opened))
        await command.waits.wait()
        client.said.put_nowait(None)
        await serving
    assert (client.heard[channel.STDOUT], client.heard[channel.ERROR]) == (b"bye\n", b"")
    assert command.is_closed
    assert client.is_closed


async def test_a_runtime_that_cannot_say_how_a_command_ended_is_told_of() -> None:
    client, command = Client(), Command(b"half", failure="the runtime hung up")
    command.may_end.set()

    async def opened() -> Command:
        return command

    async with asyncio.timeout(10):
        await remote_command._run(client, OPTIONS, opened)
    status = json.loads(client.heard[channel.ERROR])
    assert (status["status"], status["message"]) == ("Failure", "the runtime hung up")
    assert client.is_closed
