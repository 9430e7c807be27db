"""A small cluster behind a resolver, and an independent reader of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dnslib import QTYPE, RCODE, DNSRecord

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.network.dns.directory import Directory
from cloudk8s.network.dns.resolver import Resolver, settle
from cloudk8s.network.dns.upstream import Server, Upstream
from cloudk8s.testing.fake_client import FakeClient


class Cluster:
    """Objects by `add`, questions by `ask`."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(clock=self.clock)
        self.resolver: Resolver

    @asynccontextmanager
    async def running(self, *objects: Object, upstream: Sequence[Server] = ()) -> AsyncIterator[Cluster]:
        await self.add(*objects)
        informers = Informers(self.client, clock=self.clock)
        directory = Directory(informers)
        async with informers:
            await directory.synced()
            self.resolver = Resolver(directory, Upstream(upstream, clock=self.clock), domain="cluster.local")
            yield self

    async def add(self, *objects: Object) -> None:
        kinds = {"Service": SERVICES, "EndpointSlice": ENDPOINT_SLICES, "Namespace": NAMESPACES}
        for obj in objects:
            await self.client.create(kinds[obj["kind"]], obj, namespace=obj["metadata"].get("namespace", ""))
        await asyncio.sleep(0.01)

    async def ask(self, name: str, kind: str = "A", *, is_tcp: bool = False) -> DNSRecord:
        query = DNSRecord.question(name, kind)
        answer = DNSRecord.parse(await settle(self.resolver, bytes(query.pack()), is_tcp=is_tcp))
        assert answer.header.id == query.header.id
        assert answer.q == query.q
        return answer

    async def data(self, name: str, kind: str = "A") -> list[str]:
        """What the records of the answer say, as `dig +short` prints it."""
        return [str(record.rdata) for record in (await self.ask(name, kind)).rr]

    async def code(self, name: str, kind: str = "A") -> str:
        return str(RCODE[(await self.ask(name, kind)).header.rcode])


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def types(records) -> list[str]:
    return [QTYPE[record.rtype] for record in records]
