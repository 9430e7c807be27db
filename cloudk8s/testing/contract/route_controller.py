"""R1–R10: the route controller with the provider inside."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import ROUTE
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.route import Route
from cloudk8s.errors import CloudError
from cloudk8s.testing.cloud_harness import make_node
from cloudk8s.testing.contract.stage import Stage
from cloudk8s.testing.contract.world import World

GOOD = {"10.244.1.0/24": "n1", "10.244.2.0/24": "n2"}


class TestRouteController:
    """Each pod range to its node, and nothing else touched."""

    @pytest.fixture
    def stage(self, world: World) -> Stage:
        stage = Stage(world, "routes")
        self.refs = [stage.start(f"n{n}", pod_cidrs=[f"10.244.{n}.0/24"]) for n in (1, 2)]
        return stage

    async def test_r1_every_node_gets_its_route_once(self, stage: Stage) -> None:
        async with stage.running(ROUTE):
            assert self.ours(stage) == GOOD
            assert condition(stage, "n1") == condition(stage, "n2") == ("False", "RouteCreated")
            creates, mutations = stage.count("create"), stage.world.mutations()
            await stage.harness.settle(1300)
            assert stage.count("create") == creates
            assert stage.world.mutations() == mutations
            assert len(stage.harness.writes("nodes")) == 2

    async def test_r2_a_wrong_nodes_route_is_replaced(self, stage: Stage) -> None:
        self.put(stage, Route("10.244.1.0/24", "n2", self.refs[1].provider_id, self.refs[1].addresses))
        async with stage.running(ROUTE):
            assert self.ours(stage) == GOOD

    async def test_r3_ranges_of_others_are_never_touched(self, stage: Stage) -> None:
        foreign = Route("192.168.77.0/24", "n1", self.refs[0].provider_id, self.refs[0].addresses)
        self.put(stage, foreign)
        async with stage.running(ROUTE):
            assert foreign.destination in self.listed(stage)

    async def test_r4_a_blackhole_inside_the_clusters_range_is_deleted(self, stage: Stage) -> None:
        lost = stage.world.start_instance("lost")
        self.put(stage, Route("10.244.9.0/24", "lost", lost.provider_id, lost.addresses))
        stage.world.terminate_instance(lost)
        async with stage.running(ROUTE):
            assert self.ours(stage) == GOOD

    async def test_r5_one_failure_marks_its_node_and_no_other(self, stage: Stage) -> None:
        refused = iter([True])

        def refuse(call: object) -> None:
            method, routes = getattr(call, "method", ""), getattr(call, "argument", None)
            if method == "create" and any(route.node == "n1" for route in routes or ()) and next(refused, False):
                stage.calls.answer("create", {"10.244.1.0/24->n1": CloudError("table is full")})

        stage.calls.on_call = refuse
        async with stage.harness.running(ROUTE):
            assert condition(stage, "n1") == ("True", "NoRouteCreated")
            assert ("Warning", "FailedToCreateRoute") in stage.harness.events("n1")
            await stage.settle(11)
            assert condition(stage, "n1") == condition(stage, "n2") == ("False", "RouteCreated")
            assert self.ours(stage) == GOOD

    async def test_r6_an_error_while_listing_changes_nothing(self, stage: Stage) -> None:
        stage.calls.answer("list", CloudError("throttled"))
        async with stage.harness.running(ROUTE):
            assert [name for name in stage.calls.names() if name != "describe"] == ["list"]
            await stage.settle(11)
            assert self.ours(stage) == GOOD

    async def test_r7_a_node_with_new_addresses_keeps_its_route(self, stage: Stage) -> None:
        async with stage.running(ROUTE):
            addresses = [{"type": entry.type, "address": entry.address} for entry in self.refs[0].addresses]
            status = {"status": {"addresses": [*addresses, {"type": "ExternalIP", "address": "198.51.100.7"}]}}
            await stage.client.patch(NODES, "n1", status, subresource="status")
            await stage.settle(11)
            assert self.ours(stage) == GOOD

    async def test_r8_a_condition_of_the_network_plugin_is_overwritten_once(self, stage: Stage) -> None:
        conditions = [{"type": "NetworkUnavailable", "status": "False", "reason": "CalicoIsUp"}]
        await stage.client.patch(NODES, "n1", {"status": {"conditions": conditions}}, subresource="status")
        stage.client.actions.clear()
        async with stage.running(ROUTE):
            await stage.harness.settle(1300)
            assert condition(stage, "n1") == ("False", "RouteCreated")
            assert len([action for action in stage.harness.writes("nodes") if action.name == "n1"]) == 1

    async def test_r9_only_what_matters_triggers_and_a_burst_runs_once_in_ten_seconds(self, stage: Stage) -> None:
        async with stage.running(ROUTE):
            before = stage.count("list")
            await stage.client.patch(NODES, "n1", {"metadata": {"labels": {"a": "b"}}})
            await stage.harness.settle(15)
            assert stage.count("list") == before
            for number in range(200):
                stage.client.add(make_node(f"burst-{number}", provider_id="elsewhere://1"))
            await stage.harness.settle(9)
            assert stage.count("list") <= before + 1

    async def test_r10_a_deleted_nodes_route_goes(self, stage: Stage) -> None:
        async with stage.running(ROUTE):
            await stage.client.delete(NODES, "n1")
            await stage.settle(11)
            assert self.ours(stage) == {"10.244.2.0/24": "n2"}

    def put(self, stage: Stage, route: Route) -> None:
        routes = stage.world.routes()
        assert routes is not None
        assert routes.create([route]) == {}

    def listed(self, stage: Stage) -> Mapping[str, str]:
        routes = stage.world.routes()
        assert routes is not None
        return {entry.destination: entry.node for entry in routes.list(self.refs)}

    def ours(self, stage: Stage) -> Mapping[str, str]:
        return {cidr: node for cidr, node in self.listed(stage).items() if cidr.startswith("10.244.")}

    refs: list[NodeRef]


def condition(stage: Stage, name: str) -> tuple[str, str]:
    found = next(e for e in stage.harness.node(name)["status"]["conditions"] if e["type"] == "NetworkUnavailable")
    return found["status"], found["reason"]
