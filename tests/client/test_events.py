from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.resources import CORE_EVENTS, EVENTS
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import Action, FakeClient

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "a", "uid": "u1"}}
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "n1"}}
Record = Callable[[EventRecorder], None]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(clock: FakeClock) -> FakeClient:
    return FakeClient(clock=clock)


@asynccontextmanager
async def running(client: FakeClient, clock: FakeClock, *, series: bool = False) -> AsyncIterator[EventRecorder]:
    events = EventRecorder(client, "test-controller", clock=clock, series=series)
    task = asyncio.create_task(events.run())
    try:
        yield events
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_core_event_has_upstreams_fields(client: FakeClient, clock: FakeClock) -> None:
    async with running(client, clock) as events:
        events.normal(POD, "Started", "it started")
        await events.flush()
    (event,) = client.all(CORE_EVENTS)
    assert event["metadata"]["name"].startswith("web.")
    assert event["metadata"]["namespace"] == "a"
    assert event["involvedObject"] == {
        "kind": "Pod", "namespace": "a", "name": "web", "uid": "u1", "apiVersion": "v1",
    }  # fmt: skip
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Started", "it started")
    assert event["source"] == {"component": "test-controller"}
    assert event["reportingComponent"] == "test-controller"
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"


async def test_an_equal_event_is_counted(client: FakeClient, clock: FakeClock) -> None:
    async with running(client, clock) as events:
        for _ in range(3):
            events.warning(POD, "Failed", "no")
            await events.flush()
            await clock.advance(5)
    (event,) = client.all(CORE_EVENTS)
    assert event["count"] == 3
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z")


async def test_a_counted_event_that_is_gone_is_written_anew(client: FakeClient, clock: FakeClock) -> None:
    async with running(client, clock) as events:
        events.warning(POD, "Failed", "no")
        await events.flush()
        await client.delete_collection(CORE_EVENTS, namespace="a")
        events.warning(POD, "Failed", "no")
        await events.flush()
    (event,) = client.all(CORE_EVENTS)
    assert event["count"] == 2


async def test_many_similar_events_are_combined(client: FakeClient, clock: FakeClock) -> None:
    async with running(client, clock) as events:
        for number in range(15):
            events.warning(POD, "Failed", f"number {number}")
        await events.flush()
    found = client.all(CORE_EVENTS)
    assert len(found) == 10
    (combined,) = [event for event in found if event["message"].startswith("(combined from similar events): ")]
    assert combined["count"] == 6
    assert combined["message"].endswith("number 14")


async def test_spam_of_one_object_is_cut_off_and_comes_back_slowly(client: FakeClient, clock: FakeClock) -> None:
    async with running(client, clock) as events:
        for _ in range(40):
            events.warning(POD, "Failed", "no")
        events.warning(NODE, "Failed", "no")
        await events.flush()
        counts = {event["involvedObject"]["kind"]: event["count"] for event in client.all(CORE_EVENTS)}
        assert counts == {"Pod": 25, "Node": 1}
        await clock.advance(301)
        events.warning(POD, "Failed", "no")
        await events.flush()
    assert next(e for e in client.all(CORE_EVENTS) if e["involvedObject"]["kind"] == "Pod")["count"] == 26


async def test_events_of_a_cluster_object_are_in_the_default_namespace(client: FakeClient, clock: FakeClock) -> None:
    async with running(client, clock) as events:
        events.for_component("other").normal(NODE, "NodeReady", "ready")
        await events.flush()
    (event,) = client.all(CORE_EVENTS, "default")
    assert event["source"]["component"] == "other"


async def test_series_events_are_of_the_events_group(client: FakeClient, clock: FakeClock) -> None:
    async with running(client, clock, series=True) as events:
        for _ in range(3):
            events.event(POD, "Warning", "FailedScheduling", "0/1 nodes", action="Scheduling", related=NODE)
            await events.flush()
            await clock.advance(1)
    (event,) = client.all(EVENTS)
    assert event["reportingController"] == "test-controller"
    assert event["reportingInstance"] == "test-controller"
    assert (event["action"], event["reason"], event["note"]) == ("Scheduling", "FailedScheduling", "0/1 nodes")
    assert event["eventTime"] == "2026-01-01T00:00:00.000000Z"
    assert event["series"] == {"count": 3, "lastObservedTime": "2026-01-01T00:00:02.000000Z"}
    assert event["related"]["name"] == "n1"


async def test_an_unreachable_server_is_tried_again(client: FakeClient, clock: FakeClock) -> None:
    failures = [ServiceUnavailable("down"), ServiceUnavailable("down")]

    def fail(action: Action) -> None:
        if failures:
            raise failures.pop()

    client.on(fail)
    async with running(client, clock) as events:
        events.normal(POD, "Started", "it started")
        await clock.advance(21)
    assert len(client.all(CORE_EVENTS)) == 1
