"""Streams to a container: commands run in it, and its own."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Sequence
from pathlib import Path

from cloudk8s.node.runtimes.host.descriptors import DescriptorReader, DescriptorWriter
from cloudk8s.node.runtimes.host.sockets import ShimConnection
from cloudk8s.node.runtimes.interface import STDERR, STDOUT, StartFailed, StreamOptions, UnknownId

CONTROL_SOCKET = "control.sock"
_LEFT = -1


class ShimSession:
    """A `Session` over descriptors that a shim shares with this process."""

    def __init__(
        self, connection: ShimConnection, outputs: dict[int, DescriptorReader], stdin: int | None, *, is_exec: bool,
        leaves_with_stdin: bool = False,
    ) -> None:  # fmt: skip
        """`leaves_with_stdin`: who has said all that he has to say is not told any more either."""
        self._connection, self._outputs, self._is_exec = connection, outputs, is_exec
        self._leaves_with_stdin = leaves_with_stdin
        self._stdin_fd = -1 if stdin is None else stdin
        self._stdin = None if stdin is None else DescriptorWriter(stdin)
        self._queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(maxsize=4)
        self._open = len(outputs)
        self._pumps = [asyncio.create_task(self._pump(*item), name="container output") for item in outputs.items()]
        self._exit_code: int | None = None

    async def read(self) -> tuple[int, bytes] | None:
        while self._open > 0 or not self._queue.empty():
            stream, data = await self._queue.get()
            if data:
                return stream, data
            self._open = self._open - 1 if stream != _LEFT else 0
        return None

    async def write(self, data: bytes) -> None:
        if self._stdin is not None:
            await self._stdin.write(data)

    async def close_stdin(self) -> None:
        if self._stdin is not None:
            self._stdin.close()
            self._stdin, self._stdin_fd = None, -1
            if not self._is_exec:
                self._connection.close()  # tells the shim that the first attach is through with stdin
            if self._leaves_with_stdin:
                await self._queue.put((_LEFT, b""))

    def resize(self, columns: int, rows: int) -> None:
        if self._stdin_fd >= 0 and os.isatty(self._stdin_fd):
            fcntl.ioctl(self._stdin_fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def wait(self) -> int:
        if self._is_exec and self._exit_code is None:
            try:
                answer, _ = await self._connection.receive()
                self._exit_code = int(answer["exit_code"])
            except EOFError:
                self._exit_code = 137  # the container ended, and the command with it
        return self._exit_code or 0

    async def kill(self) -> None:
        """Kill the command of an exec."""
        await self._connection.send({"signal": 9})

    async def close(self) -> None:
        self._leaves_with_stdin = False
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self.close_stdin()
        for reader in self._outputs.values():
            reader.close()
        self._connection.close()

    async def _pump(self, stream: int, reader: DescriptorReader) -> None:
        while data := await reader.read():
            await self._queue.put((stream, data))
        await self._queue.put((stream, b""))


async def open_exec(directory: Path, command: Sequence[str], options: StreamOptions) -> ShimSession:
    """Run a command in the container of a directory."""
    connection = await _connect(directory)
    theirs, outputs, stdin = ([], {}, None) if options.tty else _pipes(options)
    try:
        await connection.send({"exec": {"argv": list(command), "tty": options.tty}}, theirs)
        answer, fds = await connection.receive()
    except EOFError:
        answer, fds = {"error": "the container has ended"}, []
    finally:
        for fd in set(theirs):
            os.close(fd)
    if fds:
        stdin = os.dup(fds[0])
        outputs = {STDOUT: DescriptorReader(fds[0])}
    session = ShimSession(connection, outputs, stdin, is_exec=True)
    if "error" in answer:
        await session.close()
        raise StartFailed(str(answer["error"]))
    return session


async def open_attach(directory: Path, options: StreamOptions, *, stdin_once: bool) -> ShimSession:
    """Join the streams of the container of a directory."""
    connection = await _connect(directory)
    wanted = [("stdout", STDOUT)] * options.stdout + [("stderr", STDERR)] * (options.stderr and not options.tty)
    pipes = [(name, stream, os.pipe2(os.O_CLOEXEC)) for name, stream in wanted]
    request = {"streams": [name for name, _, _ in pipes], "stdin": options.stdin, "stdin_once": stdin_once}
    try:
        await connection.send({"attach": request}, [writer for _, _, (_, writer) in pipes])
        _, fds = await connection.receive()
    except EOFError as error:
        connection.close()
        raise UnknownId("the container has ended") from error
    finally:
        for _, _, (_, writer) in pipes:
            os.close(writer)
    outputs = {stream: DescriptorReader(reader) for _, stream, (reader, _) in pipes}
    leaves = options.stdin and not stdin_once
    return ShimSession(connection, outputs, fds[0] if fds else None, is_exec=False, leaves_with_stdin=leaves)


async def reopen_log(directory: Path) -> None:
    """Have the shim go on in a new log file; a container that has ended has nothing more to log."""
    try:
        connection = await _connect(directory)
    except UnknownId:
        return
    try:
        await connection.send({"reopen_log": True})
        await connection.receive()
    except EOFError:
        return
    finally:
        connection.close()


async def _connect(directory: Path) -> ShimConnection:
    try:
        return await ShimConnection.open(directory, CONTROL_SOCKET)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ECONNREFUSED):
            raise UnknownId(f"container {directory.name} is not running") from error
        raise


def _pipes(options: StreamOptions) -> tuple[list[int], dict[int, DescriptorReader], int | None]:
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    theirs, outputs, stdin = [null, null, null], {}, None
    if options.stdin:
        theirs[0], stdin = os.pipe2(os.O_CLOEXEC)
    for stream, wanted in ((STDOUT, options.stdout), (STDERR, options.stderr)):
        if wanted:
            reader, theirs[stream] = os.pipe2(os.O_CLOEXEC)
            outputs[stream] = DescriptorReader(reader)
    if null not in theirs:
        os.close(null)
    return theirs, outputs, stdin
