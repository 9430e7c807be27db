"""S22: what a declared ability means to those who use the load balancer.

Every provider is asked for each thing that it declares. Where the world carries traffic, connections are really made.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from cloudk8s.cloud.interface import LoadBalancers
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import (
    HealthCheck,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    ServicePort,
)
from cloudk8s.testing.contract.load_balancers import delete, ensure, require
from cloudk8s.testing.contract.world import World

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Change = Callable[[LoadBalancerRequest], LoadBalancerRequest]
ABILITIES: Sequence[tuple[str, Callable[[LoadBalancerCapabilities], bool], Change]] = (
    ("source ranges", lambda can: can.source_ranges, lambda r: replace(r, source_ranges=("192.0.2.0/24",))),
    ("session affinity", lambda can: can.session_affinity, lambda r: replace(r, session_affinity="ClientIP")),
    (
        "policy Local", lambda can: can.local_traffic_policy,
        lambda r: replace(r, traffic_policy="Local", health_check=HealthCheck("HTTP", 32000, "/healthz")),
    ),
    ("UDP", lambda can: "UDP" in can.protocols, lambda r: replace(r, ports=(ServicePort(80, 30080, "UDP"),))),
    (
        "TCP and UDP on one port", lambda can: can.mixed_protocols and can.max_ports != 1,
        lambda r: replace(r, ports=(ServicePort(53, 30053, name="t"), ServicePort(53, 30053, "UDP", "u"))),
    ),
    ("dual stack", lambda can: can.dual_stack, lambda r: replace(r, ip_families=("IPv4", "IPv6"))),
    ("no node ports", lambda can: can.without_node_ports, lambda r: replace(r, ports=(ServicePort(80),))),
)  # fmt: skip


class TestTraffic:
    """What is declared can be had; what can be had works."""

    @pytest.fixture
    def balancers(self, world: World) -> LoadBalancers:
        return require(world)

    @pytest.mark.parametrize(("ability", "has", "change"), ABILITIES, ids=[entry[0] for entry in ABILITIES])
    def test_s22_what_is_declared_can_be_had(
        self, world: World, balancers: LoadBalancers, ability: str, has: Callable[[LoadBalancerCapabilities], bool],
        change: Change,
    ) -> None:  # fmt: skip
        if not has(balancers.capabilities):
            pytest.skip(f"this provider does not declare {ability}")
        request = change(world.request(nodes=[world.start_instance("n1")]))
        first = ensure(world, balancers, request)
        before = world.mutations()
        assert ensure(world, require(world), request).ingress == first.ingress
        assert world.mutations() == before
        delete(world, balancers, request.service)
        assert not world.left()

    async def test_s22_connections_reach_every_member(self, world: World, balancers: LoadBalancers) -> None:
        nodes, back, front = self.nodes(world)
        async with node_ports({address_of(node): back for node in nodes}):
            address = await self.ensured(world, world.request(ports=[ServicePort(front, back)], nodes=nodes))
            assert {await ask(address, front) for _ in range(30)} == {address_of(node).encode() for node in nodes}

    async def test_s22_policy_local_sends_to_nodes_with_endpoints_only(
        self, world: World, balancers: LoadBalancers
    ) -> None:
        nodes, back, front = self.nodes(world)
        one, two = map(address_of, nodes)
        check = free_port(one)
        async with node_ports({one: back, two: back}), health_ports({one: 503, two: 200}, check):
            request = world.request(ports=[ServicePort(front, back)], nodes=nodes)
            local = replace(request, traffic_policy="Local", health_check=HealthCheck("HTTP", check, "/healthz"))
            address = await self.ensured(world, local)
            await until(lambda: answers(address, front), {two.encode()})

    async def test_s22_source_ranges_are_enforced(self, world: World, balancers: LoadBalancers) -> None:
        nodes, back, front = self.nodes(world)
        if not balancers.capabilities.source_ranges:
            pytest.skip("this provider has no source ranges")
        request = world.request(ports=[ServicePort(front, back)], nodes=nodes)
        async with node_ports({address_of(node): back for node in nodes}):
            address = await self.ensured(world, replace(request, source_ranges=("192.0.2.0/24",)))
            assert not await answers(address, front) - {b""}
            await self.ensured(world, replace(request, source_ranges=("127.0.0.0/8",)))
            assert await answers(address, front) - {b""}

    async def test_s22_clients_with_affinity_stay_where_they_are(self, world: World, balancers: LoadBalancers) -> None:
        nodes, back, front = self.nodes(world)
        if not balancers.capabilities.session_affinity:
            pytest.skip("this provider has no session affinity")
        request = world.request(ports=[ServicePort(front, back)], nodes=nodes)
        async with node_ports({address_of(node): back for node in nodes}):
            address = await self.ensured(world, replace(request, session_affinity="ClientIP"))
            assert len(await answers(address, front, 30)) == 1
            await self.ensured(world, request)
            assert len(await answers(address, front, 30)) == 2

    async def test_s22_a_rolling_change_of_members_loses_no_connection(
        self, world: World, balancers: LoadBalancers
    ) -> None:
        nodes, back, front = self.nodes(world)
        async with node_ports({address_of(node): back for node in nodes}):
            request = world.request(ports=[ServicePort(front, back)], nodes=nodes)
            address = await self.ensured(world, request)
            for members in (nodes[:1], nodes, nodes[1:], nodes):
                change = replace(request, nodes=tuple(members))
                assert await asyncio.to_thread(balancers.update_targets, [change]) == {}
                for _ in range(10):
                    assert await ask(address, front), "a connection was turned away"

    def nodes(self, world: World) -> tuple[list[NodeRef], int, int]:
        """Two nodes, a node port that is free on both, and a front port."""
        if not world.carries_traffic:
            pytest.skip("this world carries no traffic")
        nodes = [world.start_instance(name) for name in ("n1", "n2")]
        return nodes, free_port(address_of(nodes[0])), free_port("127.0.0.1")

    async def ensured(self, world: World, request: LoadBalancerRequest) -> str:
        status = await asyncio.to_thread(ensure, world, require(world), request)
        return status.ingress[0].ip or status.ingress[0].hostname


@asynccontextmanager
async def node_ports(ports: dict[str, int]) -> AsyncIterator[None]:
    """Servers that say their own address."""

    def serve(address: str) -> Answer:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(address.encode())
            writer.close()

        return answer

    async with AsyncExitStack() as stack:
        for address, port in ports.items():
            await stack.enter_async_context(await asyncio.start_server(serve(address), address, port))
        yield


@asynccontextmanager
async def health_ports(statuses: dict[str, int], port: int) -> AsyncIterator[None]:
    """Health servers as kube-proxy's."""

    def serve(status: int) -> Answer:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()

        return answer

    async with AsyncExitStack() as stack:
        for address, status in statuses.items():
            await stack.enter_async_context(await asyncio.start_server(serve(status), address, port))
        yield


async def ask(address: str, port: int) -> bytes:
    """What a new connection is told; nothing where it is turned away."""
    try:
        reader, writer = await asyncio.open_connection(address, port)
        answer = await reader.read()
    except OSError:
        return b""
    writer.close()
    return answer


async def answers(address: str, port: int, tries: int = 10) -> set[bytes]:
    """What some new connections are told."""
    return {await ask(address, port) for _ in range(tries)}


async def until(question: Callable[[], object], wanted: set[bytes]) -> None:
    """Wait for an answer; health checks run on the machine's time."""
    found: object = None
    for _ in range(200):
        found = await question()  # type: ignore[misc]
        if found == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{found} is still not {wanted}")


def address_of(node: NodeRef) -> str:
    return node.addresses_of("InternalIP")[0]


def free_port(address: str) -> int:
    with socket.socket() as made:
        made.bind((address, 0))
        return int(made.getsockname()[1])
