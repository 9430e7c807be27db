from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.informer import Informers
from cloudk8s.client.resources import CONFIG_MAPS, PODS
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import Forbidden, NotFound, ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock, SystemClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import Action, FakeClient

Seen = list[tuple[str | None, str | None]]


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}, "data": data}


def recorder(seen: Seen) -> Any:
    def handle(old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        seen.append((old["data"].get("v") if old else None, new["data"].get("v") if new else None))

    return handle


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=[True, False], ids=["watch-list", "list-and-watch"])
def client(request: pytest.FixtureRequest, clock: FakeClock) -> FakeClient:
    return FakeClient([config_map("x", v="1")], clock=clock, has_watch_list=request.param)


async def test_handlers_see_every_change_in_order(client: FakeClient, clock: FakeClock) -> None:
    seen: Seen = []
    async with Informers(client, clock=clock) as informers:
        informer = informers.of(CONFIG_MAPS)
        informer.add_handler(recorder(seen))
        await informers.synced()
        await client.patch(CONFIG_MAPS, "x", {"data": {"v": "2"}}, namespace="a")
        await client.create(CONFIG_MAPS, config_map("y", v="7"))
        await client.delete(CONFIG_MAPS, "x", namespace="a")
        await clock.advance(1)
        assert seen == [(None, "1"), ("1", "2"), (None, "7"), ("2", None)]
        assert informer.get("x", "a") is None
        assert [o["metadata"]["name"] for o in informer.list("a")] == ["y"]


async def test_what_is_read_here_and_sent_back_keeps_its_managed_fields(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        client = server.client("test", "system:masters")
        made = await client.create(
            CONFIG_MAPS, config_map("x", v="1") | {"metadata": {"name": "x"}}, namespace="default"
        )
        async with Informers(client, clock=SystemClock()) as informers:
            informer = informers.of(CONFIG_MAPS)
            await informers.synced()
            read = informer.get("x", "default")
            assert read is not None
            assert "managedFields" in made["metadata"]
            assert "managedFields" not in read["metadata"]
            changed = await client.update(CONFIG_MAPS, {**read, "data": {"v": "1", "w": "2"}})
            (entry,) = changed["metadata"]["managedFields"]
            assert entry["fieldsV1"] == {"f:data": {".": {}, "f:v": {}, "f:w": {}}}


async def test_one_informer_for_one_source(client: FakeClient, clock: FakeClock) -> None:
    informers = Informers(client, clock=clock)
    assert informers.of(PODS) is informers.of(PODS)
    assert informers.of(PODS, namespace="a") is not informers.of(PODS)
    assert informers.of(PODS, label_selector="a=b") is not informers.of(PODS)


async def test_an_informer_asked_for_late_starts_at_once(client: FakeClient, clock: FakeClock) -> None:
    async with Informers(client, clock=clock) as informers:
        await informers.of(CONFIG_MAPS).synced()
        assert len(informers.of(CONFIG_MAPS)) == 1


async def test_a_late_handler_sees_what_is_there(client: FakeClient, clock: FakeClock) -> None:
    seen: Seen = []
    async with Informers(client, clock=clock) as informers:
        informer = informers.of(CONFIG_MAPS)
        await informers.synced()
        stop = informer.add_handler(recorder(seen))
        assert seen == [(None, "1")]
        stop()
        await client.delete(CONFIG_MAPS, "x", namespace="a")
        await clock.advance(1)
        assert len(seen) == 1


async def test_a_dropped_watch_resumes_without_loss_or_repetition(client: FakeClient, clock: FakeClock) -> None:
    seen: Seen = []
    async with Informers(client, clock=clock) as informers:
        informers.of(CONFIG_MAPS).add_handler(recorder(seen))
        await informers.synced()
        for number in range(2, 6):
            client.drop_watches()
            await asyncio.sleep(0)
            await client.patch(CONFIG_MAPS, "x", {"data": {"v": str(number)}}, namespace="a")
            await clock.advance(120)
        assert seen == [(None, "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "5")]


async def test_an_expired_watch_lists_again_and_reports_the_difference(client: FakeClient, clock: FakeClock) -> None:
    client.add(config_map("gone", v="g"))
    client.add(config_map("same", v="s"))
    seen: Seen = []
    async with Informers(client, clock=clock) as informers:
        informers.of(CONFIG_MAPS).add_handler(recorder(seen))
        await informers.synced()
        seen.clear()
        client.drop_watches()
        await client.patch(CONFIG_MAPS, "x", {"data": {"v": "2"}}, namespace="a")
        await client.delete(CONFIG_MAPS, "gone", namespace="a")
        client.compact()
        await clock.advance(300)
        assert sorted(seen, key=str) == sorted([("1", "2"), ("g", None)], key=str)


async def test_errors_are_retried_with_backoff(client: FakeClient, clock: FakeClock) -> None:
    tries: list[float] = []

    def refuse(action: Action) -> None:
        if action.verb in ("watch", "list"):
            tries.append(clock.monotonic())
            if len(tries) < 5:
                raise ServiceUnavailable("down")

    client.on(refuse)
    async with Informers(client, clock=clock) as informers:
        informer = informers.of(CONFIG_MAPS)
        await clock.advance(60)
        assert informer.is_synced
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries[:5])]
    assert gaps[0] >= 0.8
    assert all(gap <= 30 * 2 for gap in gaps)
    assert gaps[-1] > gaps[0]


async def test_a_resource_that_an_older_server_does_not_know_has_no_objects(
    client: FakeClient, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    knows = False

    def refuse(action: Action) -> None:
        if action.verb in ("watch", "list") and not knows:
            raise NotFound("the server could not find the requested resource")

    client.on(refuse)
    async with Informers(client, clock=clock) as informers:
        informer = informers.of(CONFIG_MAPS)
        await clock.advance(1)
        assert informer.is_synced
        assert informer.list() == []
        await clock.advance(300)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        knows = True
        await clock.advance(60)
        assert len(informer.list()) == 1


@pytest.mark.parametrize("is_served", [True, False])
async def test_what_is_forbidden_and_not_served_has_no_objects(
    clock: FakeClock, is_served: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Authorization comes first: an older server refuses a watch of what it does not know."""
    client = FakeClient(clock=clock, resources=[PODS, CONFIG_MAPS] if is_served else [PODS])

    def refuse(action: Action) -> None:
        if action.verb in ("watch", "list"):
            raise Forbidden("configmaps is forbidden")

    client.on(refuse)
    async with Informers(client, clock=clock) as informers:
        informer = informers.of(CONFIG_MAPS)
        await clock.advance(300)
        assert informer.is_synced is not is_served
        assert (len(caplog.records) == 1) is not is_served


async def test_a_failing_handler_does_not_stop_the_others(client: FakeClient, clock: FakeClock) -> None:
    seen: Seen = []

    def broken(old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        raise RuntimeError("a bug")

    async with Informers(client, clock=clock) as informers:
        informer = informers.of(CONFIG_MAPS)
        informer.add_handler(broken)
        informer.add_handler(recorder(seen))
        await informers.synced()
        assert seen == [(None, "1")]


async def test_a_selector_shows_objects_coming_and_going(client: FakeClient, clock: FakeClock) -> None:
    seen: Seen = []
    async with Informers(client, clock=clock) as informers:
        informers.of(CONFIG_MAPS, label_selector="app=web").add_handler(recorder(seen))
        await informers.synced()
        await client.patch(CONFIG_MAPS, "x", {"metadata": {"labels": {"app": "web"}}}, namespace="a")
        await client.patch(CONFIG_MAPS, "x", {"metadata": {"labels": {"app": "db"}}}, namespace="a")
        await clock.advance(1)
        assert seen == [(None, "1"), ("1", None)]


async def test_a_dropped_informer_stops(client: FakeClient, clock: FakeClock) -> None:
    async with Informers(client, clock=clock) as informers:
        informer = informers.of(CONFIG_MAPS)
        await informers.synced()
        informers.drop(informer)
        await clock.advance(1)
        await client.delete(CONFIG_MAPS, "x", namespace="a")
        await clock.advance(1)
        assert len(informer) == 1
        assert informers.of(CONFIG_MAPS) is not informer


async def test_a_view_waits_only_for_what_was_asked_for_through_it(client: FakeClient, clock: FakeClock) -> None:
    def refuse(action: Action) -> None:
        if action.resource == PODS:
            raise ServiceUnavailable("down")

    client.on(refuse)
    async with Informers(client, clock=clock) as informers:
        blocked = informers.of(PODS)
        view = informers.view()
        assert view.of(CONFIG_MAPS) is informers.of(CONFIG_MAPS)
        await view.synced()
        assert not blocked.is_synced
