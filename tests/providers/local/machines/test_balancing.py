"""The API's load balancer: new connections go to machines that answer, and those of lost ones end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s_local.machines import balancing
from cloudk8s_local.machines.balancing import FAILURES, ApiBalancer, Wanted


class Machines:
    """Servers of one port at addresses of loopback, which say who they are; `ill` ones fail their checks."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.ill: set[str] = set()

    @asynccontextmanager
    async def running(self, *addresses: str) -> AsyncIterator[None]:
        servers = [await asyncio.start_server(self._greeting(address), address, self.port) for address in addresses]
        try:
            yield
        finally:
            for server in servers:
                server.close()

    async def answers(self, address: str, port: int) -> bool:
        return address not in self.ill

    def _greeting(self, address: str):  # type: ignore[no-untyped-def]
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"{address}\n".encode())
            await reader.read()
            writer.close()

        return serve


FIRST, SECOND, FRONT = "127.77.0.1", "127.77.0.2", "127.77.0.9"


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> Machines:
    found = Machines(unused_tcp_port)
    monkeypatch.setattr(balancing, "answers", found.answers)
    return found


@asynccontextmanager
async def balancer(wanted: Wanted) -> AsyncIterator[ApiBalancer]:
    found = ApiBalancer(clock=FakeClock())
    await found.open(wanted)
    try:
        yield found
    finally:
        await found.close()


async def greeted(port: int) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(FRONT, port)
    line = await asyncio.wait_for(reader.readline(), 5)
    return line.decode().strip(), reader, writer


async def whom(port: int) -> set[str]:
    """Who answers eight connections."""
    found = set()
    for _ in range(8):
        name, _, writer = await greeted(port)
        found.add(name)
        writer.close()
    return found


async def test_all_machines_that_answer_take_connections(machines: Machines) -> None:
    wanted = Wanted(FRONT, machines.port, (FIRST, SECOND))
    async with machines.running(FIRST, SECOND), balancer(wanted) as found:
        assert await whom(machines.port) == {FIRST, SECOND}
        machines.ill.add(SECOND)
        for _ in range(FAILURES):
            await found.look(wanted)
        assert await whom(machines.port) == {FIRST}
        machines.ill.clear()
        await found.look(wanted)
        assert await whom(machines.port) == {FIRST, SECOND}


async def test_a_machine_that_refuses_costs_no_connection(machines: Machines) -> None:
    async with machines.running(FIRST), balancer(Wanted(FRONT, machines.port, (FIRST, SECOND))):
        assert await whom(machines.port) == {FIRST}


async def test_connections_of_a_lost_machine_end(machines: Machines) -> None:
    wanted = Wanted(FRONT, machines.port, (FIRST, SECOND))
    async with machines.running(FIRST, SECOND), balancer(wanted) as found:
        name, reader, writer = await greeted(machines.port)
        machines.ill.add(name)
        for _ in range(FAILURES):
            await found.look(wanted)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()


async def test_if_none_is_well_all_are_tried(machines: Machines) -> None:
    wanted = Wanted(FRONT, machines.port, (FIRST,))
    async with machines.running(FIRST), balancer(wanted) as found:
        machines.ill.add(FIRST)
        for _ in range(FAILURES):
            await found.look(wanted)
        assert await whom(machines.port) == {FIRST}


def test_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "targets.json").write_text(json.dumps({"address": "10.0.0.2", "port": 6443, "targets": ["10.0.0.10"]}))
    assert Wanted.read(tmp_path / "targets.json") == Wanted("10.0.0.2", 6443, ("10.0.0.10",))
