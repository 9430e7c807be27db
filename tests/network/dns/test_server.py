"""Real sockets on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from dnslib import DNSRecord

from cloudk8s.network.dns.server import Admission, DnsServer
from tests.network.dns.cluster import Cluster, namespace
from tests.network.objects import service

NAME = "web.shop.svc.cluster.local"


@asynccontextmanager
async def serving(*clients: str) -> AsyncIterator[DnsServer]:
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(Cluster().running(namespace("shop"), service()))
        server = DnsServer(cluster.resolver, address="127.0.0.1", port=0, admission=Admission(clients))
        yield await stack.enter_async_context(server)


@pytest.mark.parametrize("is_tcp", [False, True])
async def test_both_transports_answer_on_one_port(is_tcp: bool):
    async with serving("127.0.0.0/8") as server:
        answer = await asyncio.to_thread(DNSRecord.question(NAME).send, "127.0.0.1", server.port, tcp=is_tcp, timeout=5)
        assert str(DNSRecord.parse(answer).rr[0].rdata) == "10.96.0.7"


async def test_several_queries_pass_one_connection():
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for name in (NAME, "nothing.cluster.local"):
            query = bytes(DNSRecord.question(name).pack())
            writer.write(len(query).to_bytes(2, "big") + query)
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = DNSRecord.parse(await reader.readexactly(length))
            assert str(answer.q.qname) == f"{name}."
        writer.close()


async def test_strangers_get_no_answer():
    async with serving("192.0.2.0/24") as server:
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(DNSRecord.question(NAME).send, "127.0.0.1", server.port, timeout=0.2)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
