from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.informer import Informers
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.network.hosts.thread import HostThread
from cloudk8s.network.proxy.health import Health, ServiceHealth
from cloudk8s.network.proxy.health_server import HealthServer, bind
from cloudk8s.network.proxy.model import HealthCheck
from cloudk8s.testing.fake_client import FakeClient


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(clock=self.clock)
        self.pending: float | None = None

    @asynccontextmanager
    async def running(self, **node: Any) -> AsyncIterator[Health]:
        metadata = {"name": "n1", **node.pop("metadata", {})}
        self.client.add({"apiVersion": "v1", "kind": "Node", "metadata": metadata, **node})
        informers = Informers(self.client, clock=self.clock)
        health = Health(informers, "n1", clock=self.clock, pending_since=lambda: self.pending)
        async with informers:
            await informers.synced()
            yield health


async def test_a_proxy_without_work_is_healthy():
    async with World().running() as health:
        answer = health.answer("/healthz")
        assert answer.status == 200
        assert json.loads(answer.body)["nodeEligible"] is True
        assert health.answer("/other").status == 404


async def test_a_change_that_waits_too_long_is_neither_healthy_nor_alive():
    world = World()
    async with world.running() as health:
        world.pending = 0.0
        await world.clock.advance(59)
        assert health.answer("/livez").status == 200
        await world.clock.advance(2)
        assert (health.answer("/healthz").status, health.answer("/livez").status) == (503, 503)


@pytest.mark.parametrize(
    "leaving",
    [
        {"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}},
        {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x"]}},
    ],
)
async def test_a_node_that_leaves_is_alive_but_gets_no_new_traffic(leaving: dict[str, Any]):
    async with World().running(**leaving) as health:
        assert (health.answer("/healthz").status, health.answer("/livez").status) == (503, 200)


async def test_a_services_port_answers_by_its_local_endpoints():
    (probe,) = bind(["127.0.0.1"], 0)
    port = probe.getsockname()[1]
    probe.close()
    host = HostThread()
    async with ServiceHealth(["127.0.0.1"], host, is_alive=lambda: True) as service:
        service.show([HealthCheck("shop", "web", port, 2)])
        async with asyncio.timeout(5):
            while not (await _get(port))[0]:
                await asyncio.sleep(0.01)
        status, headers, body = await _get(port)
        assert (status, headers["X-Load-Balancing-Endpoint-Weight"]) == (200, "2")
        assert body == {
            "service": {"namespace": "shop", "name": "web"},
            "localEndpoints": 2,
            "serviceProxyHealthy": True,
        }
        service.show([HealthCheck("shop", "web", port, 0)])
        assert (await _get(port))[0] == 503
        service.show([])
        async with asyncio.timeout(5):
            while (await _get(port))[0]:
                await asyncio.sleep(0.01)
    host.close()


async def test_what_is_no_request_ends_the_connection_only():
    sockets = bind(["127.0.0.1"], 0)
    async with HealthServer(lambda path: Health.answer, sockets):  # type: ignore[arg-type, return-value]
        reader, writer = await asyncio.open_connection(*sockets[0].getsockname())
        writer.write(b"nonsense\r\n\r\n")
        assert await reader.read() == b""
        writer.close()


async def _get(port: int) -> tuple[int, Any, Any]:
    """Status, headers and body; status 0 where nobody listens."""

    def get() -> tuple[int, Any, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.load(error)
        except OSError:
            return 0, {}, {}

    return await asyncio.to_thread(get)
