"""The agent's side of the Unix sockets that the spawner and the shims listen on."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

_CHUNK = 65536
_MAX_FDS = 8

Message = dict[str, Any]


class ShimConnection:
    """One request and its answers; descriptors may travel both ways with a message."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._data = b""
        self._fds: list[int] = []

    @classmethod
    async def open(cls, directory: Path, name: str) -> ShimConnection:
        """Connect to a socket in `directory`, whose path may be longer than a socket address can hold."""
        here = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, f"/proc/self/fd/{here}/{name}")
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(here)
        return cls(connection)

    async def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Send one message."""
        data = orjson.dumps(message) + b"\n"
        if fds:
            data = data[socket.send_fds(self._socket, [data], list(fds)) :]
        if data:  # the answer may have come and the shim have gone by now, which an empty send would trip over
            await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def receive(self) -> tuple[Message, list[int]]:
        """The next message and the descriptors that came with it; EOFError where the other side has gone."""
        while b"\n" not in self._data:
            await self._fill()
        line, _, self._data = self._data.partition(b"\n")
        fds, self._fds = self._fds, []
        return orjson.loads(line), fds

    def close(self) -> None:
        """Hang up. Idempotent."""
        for fd in self._fds:
            os.close(fd)
        self._fds = []
        self._socket.close()

    async def _fill(self) -> None:
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self._socket, _CHUNK, _MAX_FDS)
                break
            except BlockingIOError:
                await self._readable()
            except ConnectionResetError:
                data, fds = b"", []
                break
        for fd in fds:
            os.set_inheritable(fd, False)
        self._fds += fds
        if not data:
            raise EOFError("the shim closed the connection")
        self._data += data

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._socket, _resolve, future)
        try:
            await future
        finally:
            loop.remove_reader(self._socket)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
