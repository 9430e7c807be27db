"""I1–I7: pod ranges for the provider's nodes."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import IPAM, ROUTE
from cloudk8s.errors import SettingsError, Timeout
from cloudk8s.testing.cloud_harness import make_node
from cloudk8s.testing.contract.stage import Stage
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.fake_client import Action


class TestNodeIPAM:
    """Every node gets a range, no two overlap, and the provider routes them."""

    async def test_i1_ranges_never_overlap_each_other_or_services(self, world: World) -> None:
        stage = allocating(world, cluster_cidrs=("10.244.0.0/20",), service_cidrs=("10.244.0.0/22",))
        for number in range(5):
            stage.client.add(make_node(f"n{number}"))
        async with stage.harness.running(IPAM):
            given = [ipaddress.ip_network(node["spec"]["podCIDR"]) for node in stage.client.all(NODES)]
            assert not any(one.overlaps(other) for one, other in itertools.combinations(given, 2))
            assert not any(entry.overlaps(ipaddress.ip_network("10.244.0.0/22")) for entry in given)

    async def test_i2_a_restart_knows_what_was_given(self, world: World) -> None:
        stage = allocating(world, cluster_cidrs=("10.244.0.0/22",))
        stage.client.add(make_node("n1"))
        async with stage.harness.running(IPAM):
            first = stage.harness.node("n1")["spec"]["podCIDR"]
        stage.client.add(make_node("n2"))
        async with stage.harness.running(IPAM):
            assert stage.harness.node("n1")["spec"]["podCIDR"] == first
            assert stage.harness.node("n2")["spec"]["podCIDR"] != first

    async def test_i3_exhaustion_is_told_and_ends_when_a_node_goes(self, world: World) -> None:
        stage = allocating(world, cluster_cidrs=("10.244.0.0/24",))
        stage.client.add(make_node("n1"))
        async with stage.harness.running(IPAM):
            stage.client.add(make_node("n2"))
            await stage.harness.settle()
            assert ("Normal", "CIDRNotAvailable") in stage.harness.events("n2")
            await stage.client.delete(NODES, "n1")
            await stage.harness.settle(60)
            assert stage.harness.node("n2")["spec"]["podCIDR"] == "10.244.0.0/24"

    async def test_i4_dual_stack_follows_the_order_of_the_cluster(self, world: World) -> None:
        stage = allocating(world, cluster_cidrs=("fd00:1::/56", "10.244.0.0/22"))
        stage.client.add(make_node("n1"))
        async with stage.harness.running(IPAM):
            assert stage.harness.node("n1")["spec"]["podCIDRs"] == ["fd00:1::/64", "10.244.0.0/24"]

    async def test_i5_a_range_whose_write_timed_out_is_given_to_nobody_else(self, world: World) -> None:
        stage = allocating(world, cluster_cidrs=("10.244.0.0/22",))
        lost = iter([True])

        def lose(action: Action) -> None:
            if action.verb == "patch" and action.resource == NODES and next(lost, False):
                raise Timeout("no answer")

        stage.client.on(lose)
        for name in ("n1", "n2", "n3"):
            stage.client.add(make_node(name))
        async with stage.harness.running(IPAM):
            await stage.harness.settle(30)
            given = [node["spec"]["podCIDR"] for node in stage.client.all(NODES)]
            assert len(set(given)) == 3

    @pytest.mark.parametrize("settings", [{"node_cidr_mask_size_ipv4": 8}, {"cluster_cidrs": ("fd00::/32",)}])
    async def test_i6_masks_that_do_not_fit_are_refused(self, world: World, settings: dict[str, Any]) -> None:
        stage = allocating(world, **{"cluster_cidrs": ("10.244.0.0/16",), **settings})
        with pytest.raises(SettingsError):
            async with stage.harness.running(IPAM):
                raise AssertionError("it ran")

    async def test_i7_five_hundred_nodes_at_once_get_five_hundred_ranges(self, world: World) -> None:
        stage = allocating(world, cluster_cidrs=("10.244.0.0/14",))
        for number in range(500):
            stage.client.add(make_node(f"n{number}"))
        async with stage.harness.running(IPAM):
            await stage.harness.settle(5)
            assert len({node["spec"]["podCIDR"] for node in stage.client.all(NODES)}) == 500

    async def test_i_ranges_become_the_providers_routes(self, world: World) -> None:
        stage = allocating(world, "routes", cluster_cidrs=("10.244.0.0/16",))
        refs = [stage.start(f"n{number}") for number in (1, 2)]
        async with stage.running(IPAM, ROUTE):
            routes = world.routes()
            assert routes is not None
            listed = {entry.node: entry.destination for entry in routes.list(refs)}
            for name in ("n1", "n2"):
                assert listed[name] == stage.harness.node(name)["spec"]["podCIDR"]


def allocating(world: World, *needs: str, **settings: Any) -> Stage:
    """A stage that gives nodes their ranges."""
    return Stage(world, *needs, allocate_node_cidrs=True, **settings)
