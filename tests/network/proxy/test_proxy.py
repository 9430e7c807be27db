from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import ENDPOINT_SLICES, NODES, SERVICE_CIDRS, SERVICES
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.network.proxy.model import Backend, Rule, RuleKey, Update
from cloudk8s.network.proxy.proxy import Proxy, ProxySettings
from cloudk8s.testing.fake_client import FakeClient
from tests.network.objects import endpoint, service, slice_of


class Recorder:
    """A forwarder that remembers the rules in force, and can fail."""

    def __init__(self) -> None:
        self.rules: dict[RuleKey, Rule] = {}
        self.updates: list[Update] = []
        self.failures = 0
        self.is_there = True
        self.is_closed = False
        self.incomplete: list[RuleKey] = []

    async def start(self) -> None: ...

    async def apply(self, update: Update) -> Sequence[RuleKey]:
        if self.failures:
            self.failures -= 1
            raise OSError("no")
        self.updates.append(update)
        if update.is_complete:
            self.rules.clear()
        self.rules |= update.rules
        for key in update.removed:
            self.rules.pop(key, None)
        return self.incomplete

    async def check(self) -> bool:
        was, self.is_there = self.is_there, True
        return was

    async def close(self) -> None:
        self.is_closed = True


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(clock=self.clock)
        self.forwarder = Recorder()
        self.checks: Sequence[object] = ()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        informers = Informers(self.client, clock=self.clock)
        settings = ProxySettings(frozenset({"n1"}))
        proxy = Proxy(informers, self.forwarder, settings, clock=self.clock, on_health=self._show)
        async with informers:
            task = asyncio.create_task(proxy.run())
            await self.clock.advance(0)
            await proxy.is_synced.wait()
            try:
                yield proxy
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _show(self, checks: Sequence[object]) -> None:
        self.checks = checks

    def backends(self) -> list[str]:
        return [backend.address for rule in self.forwarder.rules.values() for backend in rule.cluster]


async def test_what_is_there_at_the_start_comes_as_one_complete_update():
    world = World()
    await world.client.create(SERVICES, service(), namespace="shop")
    await world.client.create(ENDPOINT_SLICES, slice_of([endpoint("10.0.0.1")]), namespace="shop")
    async with world.running():
        assert [update.is_complete for update in world.forwarder.updates] == [True]
        assert world.backends() == ["10.0.0.1"]


async def test_a_changed_slice_changes_the_rules_of_its_service_only():
    world = World()
    async with world.running():
        for name in ("web", "api"):
            await world.client.create(SERVICES, service(name), namespace="shop")
        await world.clock.advance(0)
        await world.client.create(ENDPOINT_SLICES, slice_of([endpoint("10.0.0.1")]), namespace="shop")
        await world.clock.advance(0)
        (last,) = world.forwarder.updates[-1].rules.values()
        assert (last.key.service, last.cluster) == ("web", (Backend("10.0.0.1", 8080),))


async def test_a_deleted_service_takes_its_rules_along():
    world = World()
    await world.client.create(SERVICES, service(), namespace="shop")
    async with world.running():
        await world.client.delete(SERVICES, "web", namespace="shop")
        await world.clock.advance(0)
        assert world.forwarder.rules == {}


async def test_after_a_failure_everything_is_applied_again():
    world = World()
    await world.client.create(SERVICES, service(), namespace="shop")
    async with world.running() as proxy:
        world.forwarder.failures = 1
        await world.client.create(ENDPOINT_SLICES, slice_of([endpoint("10.0.0.1")]), namespace="shop")
        await world.clock.advance(0)
        assert proxy.pending_since is not None
        await world.clock.advance(1)
        assert world.forwarder.updates[-1].is_complete
        assert world.backends() == ["10.0.0.1"]
        assert proxy.pending_since is None


async def test_what_vanished_behind_our_back_is_made_again():
    world = World()
    await world.client.create(SERVICES, service(), namespace="shop")
    async with world.running():
        world.forwarder.is_there = False
        await world.clock.advance(31)
        assert [update.is_complete for update in world.forwarder.updates] == [True, True]


async def test_rules_that_the_host_could_not_carry_out_are_tried_again():
    world = World()
    async with world.running():
        world.forwarder.incomplete = [RuleKey("shop", "web", "http", "TCP", "IPv4")]
        await world.client.create(SERVICES, service(), namespace="shop")
        await world.clock.advance(0)
        world.forwarder.incomplete = []
        before = len(world.forwarder.updates)
        await world.clock.advance(31)
        assert len(world.forwarder.updates) == before + 1
        await world.clock.advance(31)
        assert len(world.forwarder.updates) == before + 1


async def test_the_zone_of_the_node_decides_about_hints():
    world = World()
    near = endpoint("10.0.0.1", hints={"forZones": [{"name": "z1"}]})
    far = endpoint("10.0.0.2", hints={"forZones": [{"name": "z2"}]})
    await world.client.create(SERVICES, service(), namespace="shop")
    await world.client.create(ENDPOINT_SLICES, slice_of([near, far]), namespace="shop")
    async with world.running():
        assert world.backends() == ["10.0.0.1", "10.0.0.2"]
        labels = {"topology.kubernetes.io/zone": "z2"}
        await world.client.create(
            NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": labels}}
        )
        await world.clock.advance(0)
        assert world.backends() == ["10.0.0.2"]


async def test_health_checks_are_shown_and_everything_is_closed_at_the_end():
    world = World()
    balanced = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=32000)
    await world.client.create(SERVICES, balanced, namespace="shop")
    async with world.running():
        assert len(world.checks) == 1
    assert world.forwarder.is_closed


def service_cidr(name: str, *cidrs: str) -> Object:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": name}} | {
        "spec": {"cidrs": list(cidrs)}
    }


async def test_ranges_of_services_are_told_when_they_change_and_only_then():
    world = World()
    await world.client.create(SERVICE_CIDRS, service_cidr("kubernetes", "10.96.0.0/16"))
    async with world.running():
        await world.client.create(SERVICE_CIDRS, service_cidr("more", "10.120.0.0/24", "fd00:96::/112"))
        await world.clock.advance(0)
        await world.client.create(SERVICE_CIDRS, service_cidr("within", "10.96.4.0/24"))
        await world.client.create(SERVICES, service(), namespace="shop")
        await world.clock.advance(0)
        await world.client.delete(SERVICE_CIDRS, "more")
        await world.clock.advance(0)
        seen = [update.service_ranges for update in world.forwarder.updates]
        told = [ranges for ranges in seen if ranges]
        assert told == [
            ("10.96.0.0/16",),
            ("10.96.0.0/16", "10.120.0.0/24", "fd00:96::/112"),
            ("10.96.0.0/16",),
        ]
        assert None in seen


async def test_after_a_failure_the_ranges_of_services_are_told_again():
    world = World()
    async with world.running():
        world.forwarder.failures = 1
        await world.client.create(SERVICE_CIDRS, service_cidr("kubernetes", "10.96.0.0/16"))
        await world.clock.advance(1)
        assert world.forwarder.updates[-1].is_complete
        assert world.forwarder.updates[-1].service_ranges == ("10.96.0.0/16",)
