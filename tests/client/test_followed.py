"""Single objects: each is watched once, for as long as anybody refers to it."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.followed import Followed, Reference
from cloudk8s.client.informer import Informers
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient

X, Y = (Reference(CONFIG_MAPS, "a", name) for name in "xy")


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}, "data": {}}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient([config_map("x"), config_map("y")], clock=clock)


async def test_who_refers_to_an_object_hears_of_it_until_they_let_go(client: FakeClient, clock: FakeClock) -> None:
    heard: list[str] = []
    async with Informers(client, clock=clock) as informers:
        followed = Followed(informers, on_change=heard.append)
        followed.follow("one", [X, Y])
        followed.follow("two", [X])
        await informers.synced()
        assert sorted(heard) == ["one", "one", "two"]
        heard.clear()
        followed.follow("one", [Y])
        await client.patch(CONFIG_MAPS, "x", {"data": {"v": "1"}}, namespace="a")
        await clock.advance(1)
        assert heard == ["two"]


async def test_what_nobody_refers_to_is_watched_no_more(client: FakeClient, clock: FakeClock) -> None:
    heard: list[str] = []
    async with Informers(client, clock=clock) as informers:
        followed = Followed(informers, on_change=heard.append)
        followed.follow("one", [X])
        followed.follow("two", [X])
        informer = followed.informer(X)
        await informer.synced()
        followed.follow("one", ())
        assert followed.informer(X) is informer
        followed.follow("two", ())
        await clock.advance(1)
        await client.patch(CONFIG_MAPS, "x", {"data": {"v": "1"}}, namespace="a")
        await clock.advance(1)
        assert (informer.get("x", "a") or {})["data"] == {}, "frozen"
        fresh = followed.informer(X)
        await fresh.synced()
        assert (fresh.get("x", "a") or {})["data"] == {"v": "1"}
