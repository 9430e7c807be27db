"""Real connections through a load balancer to the node ports of nodes that are addresses on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from cloudk8s.plugin import CloudError, CloudForbidden, LoadBalancerRequest, NodeAddress, ServicePort, Unsupported
from cloudk8s_local.host.records import NodeRecord
from cloudk8s_local.load_balancers import LocalLoadBalancers
from cloudk8s_local.testing import LocalWorld


@pytest.fixture
def world() -> Iterator[LocalWorld]:
    with LocalWorld(pool="127.203.0.0/24") as world:
        yield world


@asynccontextmanager
async def node_port(address: str, port: int, says: bytes):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        writer.close()

    async with await asyncio.start_server(answer, address, port):
        yield


@asynccontextmanager
async def health(address: str, port: int, status: list[int]):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status[0]} X\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, address, port):
        yield


def free_port(address: str = "127.203.0.1") -> int:
    with socket.socket() as made:
        made.bind((address, 0))
        return int(made.getsockname()[1])


async def ask(address: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(address, port)
    answer = await reader.read()
    writer.close()
    return answer


async def ensure(world: LocalWorld, request: LoadBalancerRequest, *, health_port: int = 9) -> str:
    balancers = LocalLoadBalancers(world.host, health_port=health_port)
    status = await asyncio.to_thread(balancers.ensure, request)
    return status.ingress[0].ip


async def test_connections_reach_the_node_port(world: LocalWorld):
    node, port, inner = world.start_instance("n1"), free_port(), free_port("127.202.0.1")
    async with node_port("127.202.0.1", inner, b"one"):
        address = await ensure(world, world.request(ports=[ServicePort(port, inner)], nodes=[node]))
        assert await ask(address, port) == b"one"


async def test_two_services_have_the_same_port_on_different_addresses(world: LocalWorld):
    node, port, inner = world.start_instance("n1"), free_port(), free_port("127.202.0.1")
    first = await ensure(world, world.request(ports=[ServicePort(port, inner)], nodes=[node]))
    second = await ensure(world, world.request("other", ports=[ServicePort(port, inner)], nodes=[node]))
    assert first != second


async def test_a_service_of_both_families_answers_in_both():
    if not has_ipv6():
        pytest.skip("this host has no IPv6 on its loopback interface")
    with LocalWorld(pool="127.203.0.0/24,::1/128") as world:
        world.host.set_node(NodeRecord("n1", ("127.202.0.1", "::1")))
        addresses = (NodeAddress("InternalIP", "127.202.0.1"), NodeAddress("InternalIP", "::1"))
        node = replace(world.start_instance("n1"), addresses=addresses)
        port, inner = free_port(), free_port("127.202.0.1")
        async with node_port("127.202.0.1", inner, b"four"), node_port("::1", inner, b"six"):
            request = world.request(ports=[ServicePort(port, inner)], nodes=[node])
            both = replace(request, ip_families=("IPv4", "IPv6"))
            balancers = LocalLoadBalancers(world.host, health_port=9)
            status = await asyncio.to_thread(balancers.ensure, both)
            four, six = (entry.ip for entry in status.ingress)
            assert (await ask(four, port), await ask(six, port)) == (b"four", b"six")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def test_a_node_that_fails_its_check_gets_no_connections_until_it_recovers(world: LocalWorld):
    one, two = world.start_instance("n1"), world.start_instance("n2")
    port, inner, check = free_port(), free_port("127.202.0.1"), free_port("127.202.0.1")
    sick = [200]
    async with (
        node_port("127.202.0.1", inner, b"one"),
        node_port("127.202.0.2", inner, b"two"),
        health("127.202.0.1", check, sick),
        health("127.202.0.2", check, [200]),
    ):
        request = world.request(ports=[ServicePort(port, inner)], nodes=[one, two])
        address = await ensure(world, request, health_port=check)
        assert {await ask(address, port) for _ in range(30)} == {b"one", b"two"}
        sick[0] = 503
        await _until(lambda: _answers(address, port), {b"two"})
        sick[0] = 200
        await _until(lambda: _answers(address, port), {b"one", b"two"})


async def test_clients_outside_the_source_ranges_are_turned_away(world: LocalWorld):
    node, port, inner = world.start_instance("n1"), free_port(), free_port("127.202.0.1")
    async with node_port("127.202.0.1", inner, b"one"):
        request = world.request(ports=[ServicePort(port, inner)], nodes=[node])
        address = await ensure(world, replace(request, source_ranges=("192.0.2.0/24",)))
        assert not await _answers(address, port) - {b""}
        await ensure(world, replace(request, source_ranges=("127.0.0.0/8",)))
        assert await ask(address, port) == b"one"


async def test_nothing_listens_after_deletion(world: LocalWorld):
    node, port = world.start_instance("n1"), free_port()
    request = world.request(ports=[ServicePort(port, 30080)], nodes=[node])
    address = await ensure(world, request)
    await asyncio.to_thread(LocalLoadBalancers(world.host).delete, request.service)
    with pytest.raises(ConnectionRefusedError):
        await ask(address, port)


async def test_a_taken_port_is_an_error_that_says_so(world: LocalWorld):
    with socket.socket() as other:
        other.bind(("127.203.0.1", 0))
        other.listen()
        request = world.request(ports=[ServicePort(other.getsockname()[1], 30080)])
        with pytest.raises(CloudError, match="something else listens on"):
            await ensure(world, request)


async def test_a_wanted_address_is_given_if_it_is_free(world: LocalWorld):
    request = replace(world.request(ports=[ServicePort(free_port(), 30080)]), load_balancer_ip="127.203.0.77")
    assert await ensure(world, request) == "127.203.0.77"
    other = replace(world.request("other"), load_balancer_ip="127.203.0.77")
    with pytest.raises(Unsupported, match="belongs to another Service"):
        await ensure(world, other)
    with pytest.raises(Unsupported, match="is not in"):
        await ensure(world, replace(world.request("third"), load_balancer_ip="192.0.2.1"))


async def test_a_user_without_privileges_is_told_what_to_do(world: LocalWorld, monkeypatch: pytest.MonkeyPatch):
    async def refused(*arguments: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr("cloudk8s.network.proxy.userspace.tcp.TcpListener.open", refused)
    with pytest.raises(CloudForbidden, match="ip_unprivileged_port_start=80"):
        await ensure(world, world.request())


async def _answers(address: str, port: int) -> set[bytes]:
    found = set()
    for _ in range(12):
        try:
            found.add(await ask(address, port))
        except OSError:
            found.add(b"")
    return found


async def _until(look, wanted: set[bytes]) -> None:
    async with asyncio.timeout(20):
        while await look() != wanted:
            await asyncio.sleep(0.1)
