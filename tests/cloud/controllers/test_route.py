"""The route controller: checks R1–R10."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import ROUTE
from cloudk8s.cloud.controllers.route_plan import RoutedNode, plan_routes
from cloudk8s.cloud.model.instance import NodeAddress
from cloudk8s.cloud.model.route import Route, RouteCapabilities
from cloudk8s.errors import CloudError, RetryLater
from cloudk8s.testing.cloud_harness import CloudHarness, make_node
from cloudk8s.testing.recording_cloud import RecordingRoutes


@pytest.fixture
def routes() -> RecordingRoutes:
    return RecordingRoutes()


@pytest.fixture
def harness(routes: RecordingRoutes) -> CloudHarness:
    harness = CloudHarness()
    harness.attach(routes=routes)
    for number in (1, 2):
        harness.client.add(make_node(f"n{number}", pod_cidrs=[f"10.244.{number}.0/24"]))
    return harness


def pairs(routes: RecordingRoutes) -> list[tuple[str, str]]:
    return sorted((route.node, route.destination) for route in routes.routes)


def condition(harness: CloudHarness, name: str) -> tuple[str, str]:
    found = next(e for e in harness.node(name)["status"]["conditions"] if e["type"] == "NetworkUnavailable")
    return found["status"], found["reason"]


GOOD = [("n1", "10.244.1.0/24"), ("n2", "10.244.2.0/24")]


async def test_r1_every_node_and_range_gets_a_route(harness: CloudHarness, routes: RecordingRoutes) -> None:
    async with harness.running(ROUTE):
        assert pairs(routes) == GOOD
        assert condition(harness, "n1") == condition(harness, "n2") == ("False", "RouteCreated")
        assert len(routes.recorder.arguments("create")) == 2
        await harness.settle(1300)
        assert len(routes.recorder.arguments("create")) == 2
        assert len(harness.writes("nodes")) == 2


async def test_r2_a_wrong_nodes_route_is_replaced(harness: CloudHarness, routes: RecordingRoutes) -> None:
    routes.routes.append(Route("10.244.1.0/24", "n2"))
    async with harness.running(ROUTE):
        assert pairs(routes) == GOOD


async def test_r3_ranges_of_others_are_never_touched(harness: CloudHarness, routes: RecordingRoutes) -> None:
    foreign = [Route("192.168.0.0/24", "n1"), Route("172.16.0.0/16"), Route("not a range")]
    routes.routes += foreign
    async with harness.running(ROUTE):
        assert [route for route in routes.routes if route in foreign] == foreign


async def test_r4_a_blackhole_inside_the_clusters_range_is_deleted(
    harness: CloudHarness, routes: RecordingRoutes
) -> None:
    routes.routes += [Route("10.244.1.0/24", "n1", is_blackhole=True), Route("10.244.9.0/24", is_blackhole=True)]
    async with harness.running(ROUTE):
        assert pairs(routes) == GOOD
        assert not any(route.is_blackhole for route in routes.routes)


async def test_r5_one_failure_marks_its_node_and_no_other(harness: CloudHarness, routes: RecordingRoutes) -> None:
    routes.refused["10.244.1.0/24->n1"] = CloudError("table is full")
    async with harness.running(ROUTE):
        assert condition(harness, "n1") == ("True", "NoRouteCreated")
        assert condition(harness, "n2") == ("False", "RouteCreated")
        assert ("Warning", "FailedToCreateRoute") in harness.events("n1")
        routes.refused.clear()
        await harness.settle(11)
        assert condition(harness, "n1") == ("False", "RouteCreated")


async def test_r6_an_error_while_listing_changes_nothing(harness: CloudHarness, routes: RecordingRoutes) -> None:
    routes.routes.append(Route("10.244.9.0/24", "gone"))
    routes.recorder.answer("list", CloudError("throttled"))
    async with harness.running(ROUTE):
        assert routes.recorder.names() == ["list"]
        await harness.settle(11)
        assert pairs(routes) == GOOD


async def test_r7_a_change_of_address_deletes_before_it_creates(harness: CloudHarness, routes: RecordingRoutes) -> None:
    routes.capabilities = RouteCapabilities(follows_addresses=True)
    old = Route("10.244.1.0/24", "n1", addresses=(NodeAddress("InternalIP", "10.0.0.9"),))
    routes.routes.append(old)
    async with harness.running(ROUTE):
        assert pairs(routes) == GOOD
        names = routes.recorder.names()
        assert names.index("delete") < names.index("create")


async def test_r8_a_condition_of_the_network_plugin_is_overwritten_once(harness: CloudHarness) -> None:
    conditions = [{"type": "NetworkUnavailable", "status": "False", "reason": "CalicoIsUp"}]
    await harness.client.patch(NODES, "n1", {"status": {"conditions": conditions}}, subresource="status")
    harness.client.actions.clear()
    async with harness.running(ROUTE):
        await harness.settle(1300)
        assert condition(harness, "n1") == ("False", "RouteCreated")
        assert len([action for action in harness.writes("nodes") if action.name == "n1"]) == 1


async def test_r9_only_what_matters_triggers_and_a_burst_runs_once_in_ten_seconds(
    harness: CloudHarness, routes: RecordingRoutes
) -> None:
    async with harness.running(ROUTE):
        await harness.settle(20)
        before = len(routes.recorder.arguments("list"))
        await harness.client.patch(NODES, "n1", {"metadata": {"labels": {"a": "b"}}})
        await harness.settle(15)
        assert len(routes.recorder.arguments("list")) == before
        for number in range(1000):
            harness.client.add(make_node(f"burst-{number}"))
        await harness.settle(9)
        assert len(routes.recorder.arguments("list")) <= before + 1
        await harness.settle(11)
        assert len(routes.recorder.arguments("list")) <= before + 2


async def test_a_new_node_gets_its_route_soon(harness: CloudHarness, routes: RecordingRoutes) -> None:
    async with harness.running(ROUTE):
        harness.client.add(make_node("n3", pod_cidrs=["10.244.3.0/24", "2001:db8::/64"]))
        await harness.settle(11)
        assert ("n3", "10.244.3.0/24") in pairs(routes)
        assert ("n3", "2001:db8::/64") in pairs(routes)


async def test_a_deleted_nodes_route_goes(harness: CloudHarness, routes: RecordingRoutes) -> None:
    async with harness.running(ROUTE):
        await harness.client.delete(NODES, "n1")
        await harness.settle(11)
        assert pairs(routes) == GOOD[1:]


async def test_a_thousand_nodes_cost_one_list_in_steady_state(routes: RecordingRoutes) -> None:
    harness = CloudHarness()
    harness.attach(routes=routes)
    for number in range(1000):
        cidr = f"10.244.{number // 4}.{number % 4 * 64}/26"
        harness.client.add(make_node(f"n{number}", pod_cidrs=[cidr]))
        routes.routes.append(Route(cidr, f"n{number}"))
    async with harness.running(ROUTE):
        assert routes.recorder.names() == ["list"]


async def test_events_come_from_upstreams_component(harness: CloudHarness, routes: RecordingRoutes) -> None:
    routes.refused["10.244.1.0/24->n1"] = CloudError("table is full")
    async with harness.running(ROUTE):
        assert harness.event_sources("n1") == {"route_controller"}


@pytest.mark.parametrize(("refusals", "reason"), [(4, "RouteCreated"), (5, "NoRouteCreated")])
async def test_a_locked_table_is_tried_five_times(
    harness: CloudHarness, routes: RecordingRoutes, refusals: int, reason: str
) -> None:
    routes.capabilities = RouteCapabilities(batch=10)
    locked = {"10.244.1.0/24->n1": RetryLater(timedelta(milliseconds=100), "locked")}
    routes.recorder.answer("create", *[locked] * refusals)
    async with harness.running(ROUTE):
        assert condition(harness, "n1")[1] == reason
        assert len(routes.recorder.arguments("create")) == 5


async def test_another_error_is_not_tried_again_at_once(harness: CloudHarness, routes: RecordingRoutes) -> None:
    routes.capabilities = RouteCapabilities(batch=10)
    routes.refused["10.244.1.0/24->n1"] = CloudError("table is full")
    async with harness.running(ROUTE):
        assert len(routes.recorder.arguments("create")) == 1


async def test_a_node_whose_range_was_taken_away_has_no_network(harness: CloudHarness, routes: RecordingRoutes) -> None:
    harness.client.add(make_node("n3"))
    harness.client.add(make_node("n4"))
    routes.routes.append(Route("10.244.3.0/24", "n3"))
    async with harness.running(ROUTE):
        assert condition(harness, "n3") == ("True", "NoRouteCreated")
        assert not [entry for entry in harness.node("n4")["status"].get("conditions", ()) if entry["type"] != "Ready"]
        assert pairs(routes) == GOOD


async def test_a_condition_says_what_upstreams_says(harness: CloudHarness, routes: RecordingRoutes) -> None:
    routes.refused["10.244.1.0/24->n1"] = CloudError("table is full")
    async with harness.running(ROUTE):
        messages = [entry["message"] for name in ("n1", "n2") for entry in harness.node(name)["status"]["conditions"]
                    if entry["type"] == "NetworkUnavailable"]  # fmt: skip
    assert messages == ["RouteController failed to create a route", "RouteController created a route"]


@pytest.mark.parametrize(
    ("destination", "goes"),
    [
        ("10.244.200.0/24", True),
        ("10.0.0.0/8", False),
        ("10.240.0.0/13", False),
        ("10.244.0.0/15", True),
        ("10.243.0.0/15", False),
    ],
)
def test_a_route_is_ours_when_one_of_its_ends_is_inside_the_range(destination: str, goes: bool) -> None:
    plan = plan_routes([], [Route(destination, "gone")], ["10.244.0.0/16"], follows_addresses=False)
    assert bool(plan.deletes) == goes


def test_a_blackhole_beside_a_good_route_goes() -> None:
    node = RoutedNode("n1", "u", "fake://1", (), ("10.244.1.0/24",))
    good = Route("10.244.1.0/24", "n1")
    dead = Route("10.244.1.0/24", "n1", is_blackhole=True)
    plan = plan_routes([node], [good, dead], ["10.244.0.0/16"], follows_addresses=False)
    assert plan.deletes == (dead,)
    assert plan.creates == ()
