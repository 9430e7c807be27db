"""What every kind of protection has in common."""

from __future__ import annotations

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import PERSISTENT_VOLUMES
from cloudk8s.controllers.protection import Protection
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.testing.fake_client import FakeClient

OTHER, OWN = "example.com/other", "example.com/in-use"


def protection(client: FakeClient) -> Protection:
    return Protection(client, PERSISTENT_VOLUMES, OWN)


async def always(_: Object) -> bool:
    return True


async def never(_: Object) -> bool:
    return False


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(clock=SystemClock())


async def made(client: FakeClient, *finalizers: str) -> Object:
    return await client.create(PERSISTENT_VOLUMES, {"metadata": {"name": "v", "finalizers": list(finalizers)}})


async def test_what_stays_gets_the_finalizer_beside_those_of_others(client: FakeClient) -> None:
    item = await made(client, OTHER)
    assert protection(client).is_due(item)
    await protection(client).settle(item, always)
    found = await client.get(PERSISTENT_VOLUMES, "v")
    assert found["metadata"]["finalizers"] == [OTHER, OWN]
    assert not protection(client).is_due(found)


async def test_what_is_deleted_stays_while_it_is_used_and_goes_then(client: FakeClient) -> None:
    await made(client, OWN)
    await client.delete(PERSISTENT_VOLUMES, "v")
    leaving = await client.get(PERSISTENT_VOLUMES, "v")
    await protection(client).settle(leaving, always)
    assert (await client.get(PERSISTENT_VOLUMES, "v"))["metadata"]["finalizers"] == [OWN]
    await protection(client).settle(leaving, never)
    assert client.all(PERSISTENT_VOLUMES) == []


async def test_what_is_gone_is_no_work(client: FakeClient) -> None:
    await protection(client).settle(None, always)
    assert not protection(client).is_due(None)
