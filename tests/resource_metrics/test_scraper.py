from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import NODES
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.resource_metrics.scraper import KubeletScraper
from cloudk8s.testing.fake_client import FakeClient


class Kubelets(FakeClient):
    """A server whose nodes use half a core each, as long as their kubelets answer."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.clock, self.is_down, self.asked = clock, False, list[str]()

    async def join(self, obj: Object) -> None:
        await self.create(NODES, obj)
        name, status = obj["metadata"]["name"], obj["status"]
        await self.patch(NODES, name, {"status": status}, subresource="status")

    async def request(self, method: str, path: str, **rest: Any) -> Any:
        self.asked.append(path)
        if self.is_down:
            raise ServiceUnavailable("nobody answers")
        now = self.clock.monotonic() + 100
        return f"node_cpu_usage_seconds_total {now / 2}\nnode_memory_working_set_bytes 1024\n"


def node(name: str, port: int = 10250) -> Object:
    addresses = [{"type": "InternalIP", "address": "192.0.2.1"}]
    status = {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


@asynccontextmanager
async def running(client: Kubelets) -> AsyncIterator[KubeletScraper]:
    informers = Informers(client, clock=client.clock)
    scraper = KubeletScraper(client, informers, clock=client.clock)
    async with informers, asyncio.TaskGroup() as group:
        task = group.create_task(scraper.run())
        yield scraper
        task.cancel()


def used(scraper: KubeletScraper, *names: str) -> Iterator[int | None]:
    for name in names:
        measured = scraper.of_node(node(name))
        yield measured.usage[""].cpu_nano_cores if measured else None


async def test_nodes_are_known_after_two_looks_and_looked_at_every_fifteen_seconds() -> None:
    clock = FakeClock()
    client = Kubelets(clock)
    await client.join(node("a"))
    async with running(client) as scraper:
        await clock.advance(9)
        assert list(used(scraper, "a")) == [None]
        await clock.advance(2)
        assert list(used(scraper, "a")) == [500_000_000]
        await clock.advance(49)
        assert client.asked == ["/api/v1/nodes/a/proxy/metrics/resource"] * 5


async def test_a_node_that_does_not_answer_is_not_known_until_it_does() -> None:
    clock = FakeClock()
    client = Kubelets(clock)
    await client.join(node("a"))
    async with running(client) as scraper:
        await clock.advance(11)
        client.is_down = True
        await clock.advance(15)
        assert list(used(scraper, "a")) == [None]
        client.is_down = False
        await clock.advance(30)
        assert list(used(scraper, "a")) == [500_000_000]


async def test_nodes_come_and_go_and_those_without_a_kubelet_are_left_alone() -> None:
    clock = FakeClock()
    client = Kubelets(clock)
    async with running(client) as scraper:
        await clock.advance(1)
        await client.join(node("late"))
        await client.join(node("simulated", port=0))
        await clock.advance(11)
        assert list(used(scraper, "late", "simulated")) == [500_000_000, None]
        await client.delete(NODES, "late")
        await clock.advance(1)
        asked = len(client.asked)
        await clock.advance(60)
        assert list(used(scraper, "late")) == [None]
        assert len(client.asked) == asked
        assert not any("simulated" in path for path in client.asked)
