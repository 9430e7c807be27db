"""Checks of `Routes`."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.interface import Routes
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.route import Route
from cloudk8s.testing.contract.world import World


class TestRoutes:
    """Upsert, complete listing, absent is success."""

    @pytest.fixture
    def routes(self, world: World) -> Routes:
        routes = world.routes()
        if routes is None:
            pytest.skip("this provider has no routes")
        return routes

    @pytest.fixture
    def nodes(self, world: World) -> list[NodeRef]:
        return [world.start_instance(f"n{number}") for number in (1, 2)]

    def test_a_created_route_is_listed_with_its_node(self, routes: Routes, nodes: list[NodeRef]) -> None:
        assert routes.create([route(nodes[0], 1), route(nodes[1], 2)]) == {}
        assert targets(routes, nodes) == {"10.244.1.0/24": "n1", "10.244.2.0/24": "n2"}

    def test_creating_again_changes_nothing(self, routes: Routes, nodes: list[NodeRef]) -> None:
        routes.create([route(nodes[0], 1)])
        assert routes.create([route(nodes[0], 1)]) == {}
        assert targets(routes, nodes) == {"10.244.1.0/24": "n1"}

    def test_a_stale_target_is_replaced(self, routes: Routes, nodes: list[NodeRef]) -> None:
        routes.create([route(nodes[0], 1)])
        assert routes.create([route(nodes[1], 1)]) == {}
        assert targets(routes, nodes) == {"10.244.1.0/24": "n2"}

    def test_a_deleted_route_is_gone_and_absent_is_success(self, routes: Routes, nodes: list[NodeRef]) -> None:
        routes.create([route(nodes[0], 1)])
        listed = list(routes.list(nodes))
        assert routes.delete(listed) == {}
        assert routes.delete(listed) == {}
        assert targets(routes, nodes) == {}

    def test_a_route_to_a_lost_instance_is_a_blackhole(
        self, world: World, routes: Routes, nodes: list[NodeRef]
    ) -> None:
        routes.create([route(nodes[0], 1)])
        world.terminate_instance(nodes[0])
        world.settle()
        listed = [entry for entry in routes.list(nodes[1:]) if entry.destination == "10.244.1.0/24"]
        assert len(listed) == 1
        assert listed[0].is_blackhole or not listed[0].node
        assert routes.create([route(nodes[1], 1)]) == {}
        assert targets(routes, nodes[1:]) == {"10.244.1.0/24": "n2"}

    def test_one_bad_route_fails_no_other(self, routes: Routes, nodes: list[NodeRef]) -> None:
        bad = Route("10.244.9.0/24", "ghost", f"{nodes[0].provider_id.partition('://')[0]}://nothing")
        failed = routes.create([bad, route(nodes[0], 1)])
        assert route(nodes[0], 1).key not in failed
        assert targets(routes, nodes)["10.244.1.0/24"] == "n1"

    def test_a_restart_forgets_nothing(self, world: World, routes: Routes, nodes: list[NodeRef]) -> None:
        routes.create([route(nodes[0], 1)])
        fresh = world.routes()
        assert fresh is not None
        assert targets(fresh, nodes) == {"10.244.1.0/24": "n1"}

    def test_listing_costs_the_same_for_any_number(self, world: World, routes: Routes, nodes: list[NodeRef]) -> None:
        routes.create([route(nodes[0], 1)])
        before = world.reads()
        routes.list(nodes)
        one = world.reads() - before
        routes.create([route(nodes[1], number) for number in range(2, 12)])
        before = world.reads()
        routes.list(nodes)
        assert world.reads() - before == one


def route(node: NodeRef, number: int) -> Route:
    return Route(f"10.244.{number}.0/24", node.name, node.provider_id, node.addresses)


def targets(routes: Routes, nodes: list[NodeRef]) -> dict[str, str]:
    return {entry.destination: entry.node for entry in routes.list(nodes) if entry.destination.startswith("10.244.")}
