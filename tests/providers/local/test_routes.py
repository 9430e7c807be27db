"""Which address of a node a route leads to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s.plugin import NodeAddress, Route
from cloudk8s_local.host.records import NodeRecord
from cloudk8s_local.routes import LocalRoutes
from cloudk8s_local.testing import LocalWorld

SIX = "fd00:244:0:1::/64"


@pytest.fixture
def world() -> Iterator[LocalWorld]:
    with LocalWorld() as world:
        yield world


def route(name: str, destination: str, world: LocalWorld) -> Route:
    return Route(destination, name, f"local://{world.cluster}/{name}", (NodeAddress("InternalIP", "192.0.2.9"),))


def test_each_family_has_its_own_gateway(world: LocalWorld):
    world.host.set_node(NodeRecord("n2", ("192.0.2.9", "fd00:9::9")))
    routes = LocalRoutes(world.host, own_addresses=("192.0.2.1",))
    assert routes.create([route("n2", "10.244.1.0/24", world), route("n2", SIX, world)]) == {}
    assert world.host.kernel_routes() == {"10.244.1.0/24": "192.0.2.9", SIX: "fd00:9::9"}


def test_this_host_needs_no_address_of_the_family_and_no_route(world: LocalWorld):
    world.host.set_node(NodeRecord("n1", ("192.0.2.1",)))
    routes = LocalRoutes(world.host, own_addresses=("192.0.2.1",))
    assert routes.create([route("n1", SIX, world)]) == {}
    assert world.host.kernel_routes() == {}


def test_another_node_without_one_cannot_be_reached(world: LocalWorld):
    world.host.set_node(NodeRecord("n2", ("192.0.2.9",)))
    routes = LocalRoutes(world.host, own_addresses=("192.0.2.1",))
    (problem,) = routes.create([route("n2", SIX, world)]).values()
    assert "with an IPv6 address" in str(problem)
