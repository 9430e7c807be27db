"""ResourceSlices of drivers that are gone do not stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import PODS, RESOURCE_SLICES
from cloudk8s.errors import Forbidden, ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.devices.slices import PATIENCE, AbandonedSlices
from cloudk8s.testing.fake_client import Action, FakeClient


def resource_slice(name: str, *, node: str = "n1", driver: str = "dice") -> Object:
    spec = {"nodeName": node, "driver": driver, "pool": {"name": node, "generation": 1, "resourceSliceCount": 1}}
    return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": name}, "spec": spec}


def names(client: FakeClient) -> list[str]:
    return [each["metadata"]["name"] for each in client.all(RESOURCE_SLICES)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock=clock)


@pytest.fixture
async def slices(client: FakeClient, clock: FakeClock) -> AsyncIterator[AbandonedSlices]:
    client.add(resource_slice("from-before"))
    client.add(resource_slice("of-another-node", node="n2"))
    slices = AbandonedSlices(client, "n1", clock=clock)
    task = asyncio.create_task(slices.run())
    await clock.advance(0)
    yield slices
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_all_of_the_node_go_at_the_start(slices: AbandonedSlices, client: FakeClient) -> None:
    assert names(client) == ["of-another-node"]


async def test_those_of_a_driver_go_when_it_does_not_come_back(
    slices: AbandonedSlices, client: FakeClient, clock: FakeClock
) -> None:
    client.add(resource_slice("dice"))
    client.add(resource_slice("cards", driver="cards"))
    slices.went("dice")
    await clock.advance(PATIENCE - 1)
    assert "dice" in names(client)
    await clock.advance(2)
    assert names(client) == ["cards", "of-another-node"]


async def test_a_driver_that_comes_back_in_time_keeps_them(
    slices: AbandonedSlices, client: FakeClient, clock: FakeClock
) -> None:
    client.add(resource_slice("dice"))
    slices.went("dice")
    await clock.advance(PATIENCE - 1)
    slices.came("dice")
    await clock.advance(PATIENCE)
    assert "dice" in names(client)


async def test_a_failure_is_tried_again(slices: AbandonedSlices, client: FakeClient, clock: FakeClock) -> None:
    client.add(resource_slice("dice"))

    def fail(action: Action) -> None:
        if action.verb == "deletecollection":
            raise ServiceUnavailable("not now")

    mend = client.on(fail)
    slices.went("dice")
    await clock.advance(PATIENCE + 1)
    assert "dice" in names(client)
    mend()
    await clock.advance(10)
    assert "dice" not in names(client)


@pytest.mark.parametrize(("resources", "tries"), [((PODS,), 1), ((PODS, RESOURCE_SLICES), 3)])
async def test_a_server_that_has_none_is_asked_once(resources: tuple[Resource, ...], tries: int) -> None:
    """An older server refuses before it notices that it does not know them; else nodes may get the right yet."""
    clock = FakeClock()
    client = FakeClient(clock=clock, resources=resources)
    asked: list[Action] = []

    def refuse(action: Action) -> None:
        if action.verb == "deletecollection":
            asked.append(action)
            raise Forbidden("nodes may not")

    client.on(refuse)
    task = asyncio.create_task(AbandonedSlices(client, "n1", clock=clock).run())
    await clock.advance(12)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(asked) == tries
