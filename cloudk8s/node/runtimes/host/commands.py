"""Commands in containers, their streams and logs, and ways to their ports."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from cloudk8s.node.runtimes.host import sessions
from cloudk8s.node.runtimes.host.containers import Containers
from cloudk8s.node.runtimes.host.isolation import Isolation
from cloudk8s.node.runtimes.host.sandboxes import Sandboxes
from cloudk8s.node.runtimes.host.spawner import Spawner
from cloudk8s.node.runtimes.interface import STDERR, STDOUT, ExecResult, Session, StreamOptions


class HostCommands:
    """The part of `Runtime` that reaches into what runs; who inherits it has the parts."""

    _containers: Containers
    _sandboxes: Sandboxes
    _spawner: Spawner
    _isolation: Isolation

    async def reopen_log(self, container_id: str) -> None:
        await sessions.reopen_log(self._containers.directory(container_id))

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: timedelta | None) -> ExecResult:
        self._containers.get(container_id)
        session = await sessions.open_exec(self._containers.directory(container_id), command, StreamOptions())
        try:
            async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
                return await _collect(session)
        except TimeoutError:
            with suppress(OSError):
                await session.kill()
            raise
        finally:
            await session.close()

    async def exec(self, container_id: str, command: Sequence[str], options: StreamOptions) -> Session:
        self._containers.get(container_id)
        return await sessions.open_exec(self._containers.directory(container_id), command, options)

    async def attach(self, container_id: str, options: StreamOptions) -> Session:
        config = self._containers.get(container_id).record.config
        options = replace(options, stdin=options.stdin and config.stdin, tty=config.tty)
        directory = self._containers.directory(container_id)
        return await sessions.open_attach(directory, options, stdin_once=config.stdin_once)

    async def port_forward(self, sandbox_id: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        holder = self._sandboxes.get(sandbox_id).holder
        network = f"/proc/{holder['pid']}/ns/net" if holder and self._isolation.network else ""
        answer, fds = await self._spawner.request({"kind": "dial", "network": network, "port": port})
        if not fds:
            raise OSError(int(answer.get("errno") or errno.ECONNREFUSED), str(answer.get("error")))
        return await asyncio.open_connection(sock=socket.socket(fileno=fds[0]))


async def _collect(session: sessions.ShimSession) -> ExecResult:
    output: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
    while (piece := await session.read()) is not None:
        output[piece[0]].append(piece[1])
    return ExecResult(await session.wait(), b"".join(output[STDOUT]), b"".join(output[STDERR]))
