"""Real connections on loopback, as any user may make them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import uvloop

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.proxy.model import Rule, Update
from cloudk8s.network.proxy.userspace.forwarder import UserspaceForwarder, UserspaceSettings
from tests.network.objects import rule

SERVICE = "127.96.0.7"


def test_the_loop_of_server_processes_relays_as_well():
    async def relay() -> None:
        await test_connections_reach_the_backend_and_half_close_is_kept()
        await test_a_client_may_wait_before_it_says_something()
        await test_large_transfers_pass_whole()

    uvloop.run(relay())


@asynccontextmanager
async def forwarder() -> AsyncIterator[UserspaceForwarder]:
    made = UserspaceForwarder(UserspaceSettings(("127.0.0.1",)), clock=SystemClock())
    await made.start()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def backend(says: bytes) -> AsyncIterator[tuple[str, int]]:
    """Answers with its name and everything it was sent, once the client has finished."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()
        writer.write(says + data)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield "127.0.0.1", server.sockets[0].getsockname()[1]


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as made:
        made.bind((SERVICE, 0))
        return int(made.getsockname()[1])


async def ask(address: str, port: int, data: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def updates(*rules: Rule, **fields) -> Update:
    return Update({item.key: item for item in rules}, **fields)


async def test_connections_reach_the_backend_and_half_close_is_kept():
    async with forwarder() as made, backend(b"one ") as one:
        wanted = rule(backends=[one], cluster_ip=SERVICE, port=free_port())
        assert await made.apply(updates(wanted)) == []
        assert await ask(SERVICE, wanted.port, b"hello") == b"one hello"


async def test_a_client_may_wait_before_it_says_something():
    async with forwarder() as made, backend(b"one ") as one:
        wanted = rule(backends=[one], cluster_ip=SERVICE, port=free_port())
        await made.apply(updates(wanted))
        reader, writer = await asyncio.open_connection(SERVICE, wanted.port)
        for _ in range(20):
            await asyncio.sleep(0)
        writer.write(b"late")
        writer.write_eof()
        assert await reader.read() == b"one late"
        writer.close()


async def test_large_transfers_pass_whole():
    async with forwarder() as made, backend(b"") as one:
        wanted = rule(backends=[one], cluster_ip=SERVICE, port=free_port())
        await made.apply(updates(wanted))
        data = bytes(range(256)) * 40_000
        assert await ask(SERVICE, wanted.port, data) == data


async def test_a_backend_that_refuses_is_passed_over():
    async with forwarder() as made, backend(b"one") as one:
        dead = ("127.0.0.1", free_port())
        wanted = rule(backends=[dead, one], cluster_ip=SERVICE, port=free_port())
        await made.apply(updates(wanted))
        assert {await ask(SERVICE, wanted.port) for _ in range(10)} == {b"one"}


async def test_new_backends_take_over_while_the_listener_stays():
    async with forwarder() as made, backend(b"one") as one, backend(b"two") as two:
        port = free_port()
        await made.apply(updates(rule(backends=[one], cluster_ip=SERVICE, port=port)))
        reader, writer = await asyncio.open_connection(SERVICE, port)
        await made.apply(updates(rule(backends=[two], cluster_ip=SERVICE, port=port)))
        assert await ask(SERVICE, port) == b"two"
        writer.write_eof()
        assert await reader.read() == b"one"
        writer.close()


async def test_without_backends_and_after_removal_connections_are_refused():
    async with forwarder() as made, backend(b"one") as one:
        wanted = rule(backends=[one], cluster_ip=SERVICE, port=free_port())
        await made.apply(updates(wanted))
        for update in (updates(rule(backends=(), port=wanted.port)), updates(removed=frozenset([wanted.key]))):
            await made.apply(update)
            with pytest.raises(ConnectionRefusedError):
                await ask(SERVICE, wanted.port)


async def test_a_complete_update_closes_what_it_does_not_name():
    async with forwarder() as made, backend(b"one") as one:
        wanted = rule(backends=[one], cluster_ip=SERVICE, port=free_port())
        await made.apply(updates(wanted))
        await made.apply(updates(is_complete=True))
        with pytest.raises(ConnectionRefusedError):
            await ask(SERVICE, wanted.port)


async def test_an_address_that_is_not_ours_is_reported_and_the_others_work():
    async with forwarder() as made, backend(b"one") as one:
        port = free_port()
        wanted = rule(backends=[one], cluster_ip=SERVICE, port=port, external_ips=("203.0.113.250",))
        assert await made.apply(updates(wanted)) == [wanted.key]
        assert await ask(SERVICE, port) == b"one"


async def test_node_ports_listen_on_the_nodes_addresses():
    async with forwarder() as made, backend(b"one") as one:
        wanted = rule(backends=[one], cluster_ip=SERVICE, port=free_port(), node_port=free_port())
        await made.apply(updates(wanted))
        assert await ask("127.0.0.1", wanted.node_port) == b"one"


async def test_datagrams_go_there_and_back():
    async with forwarder() as made:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", 0))
        address = transport.get_extra_info("sockname")
        wanted = rule(backends=[address], cluster_ip=SERVICE, port=free_port(socket.SOCK_DGRAM), protocol="UDP")
        await made.apply(updates(wanted))
        assert await _datagram(SERVICE, wanted.port, b"hello") == b"echo hello"
        transport.close()


class _Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data, addr) -> None:
        self.transport.sendto(b"echo " + data, addr)


async def _datagram(address: str, port: int, data: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setblocking(False)
        made.connect((address, port))
        await loop.sock_sendall(made, data)
        async with asyncio.timeout(5):
            return await loop.sock_recv(made, 100)


async def test_policy_local_speaks_for_clients_of_other_hosts():
    asked: list[str] = []

    def speak_for(client: str) -> socket.socket:
        asked.append(client)
        made = socket.socket()
        made.setblocking(False)
        return made

    async with backend(b"one:") as target:
        made = UserspaceForwarder(UserspaceSettings((SERVICE,)), clock=SystemClock(), client_sockets=speak_for)
        made._is_own = lambda address: address != "127.0.0.9"  # type: ignore[method-assign]
        port = free_port()
        for policy, expected in ((False, []), (True, ["127.0.0.9"])):
            wanted = rule(backends=[target], local=[target], node_port=port, is_external_local=policy)
            await made.apply(Update({wanted.key: replace(wanted, cluster_ip=SERVICE)}, frozenset(), is_complete=True))
            for client in ("127.0.0.9", "127.0.0.8"):
                reader, writer = await asyncio.open_connection(SERVICE, port, local_addr=(client, 0))
                writer.write_eof()
                assert await reader.read() == b"one:"
                writer.close()
            assert asked == expected
        await made.close()
