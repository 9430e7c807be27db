"""The provider under the cloud controllers: what a cluster's user sees, end to end but for the API server's process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cloudk8s.client.resources import NODES, SERVICES
from cloudk8s.cloud.controllers.assembly import NODE, NODE_LIFECYCLE, ROUTE, SERVICE
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s.testing.contract.world import World

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}


class TestControllers:
    """N1, L3, L4, R1, S3, S5, S6, S13, S20 with the real provider."""

    async def test_a_new_node_is_described(self, world: World) -> None:
        if world.instances() is None:
            pytest.skip("this provider has no instances")
        node = world.start_instance("n1")
        harness = attached(world)
        harness.client.add(make_node("n1", taints=[TAINT], addresses=_addresses(node)))
        async with running(world, harness, NODE):
            found = harness.node("n1")
            assert found["spec"]["providerID"].startswith(f"{world.provider}://")
            assert "taints" not in found["spec"]
            assert any(entry["type"] == "InternalIP" for entry in found["status"]["addresses"])

    async def test_a_node_whose_instance_is_gone_is_deleted(self, world: World) -> None:
        if world.instances() is None:
            pytest.skip("this provider has no instances")
        node, harness = world.start_instance("n1"), attached(world)
        harness.client.add(make_node("n1", provider_id=node.provider_id, ready=False))
        async with running(world, harness, NODE_LIFECYCLE):
            await harness.settle(20)
            assert harness.writes() == []
            world.terminate_instance(node)
            world.settle()
            await harness.settle(20)
            assert harness.client.all(NODES) == []

    async def test_a_node_whose_instance_is_stopped_is_tainted(self, world: World) -> None:
        if world.instances() is None:
            pytest.skip("this provider has no instances")
        node, harness = world.start_instance("n1"), attached(world)
        world.stop_instance(node)
        world.settle()
        harness.client.add(make_node("n1", provider_id=node.provider_id, ready=False))
        async with running(world, harness, NODE_LIFECYCLE):
            await harness.settle(10)
            keys = [taint["key"] for taint in harness.node("n1")["spec"]["taints"]]
            assert keys == ["node.cloudprovider.kubernetes.io/shutdown"]

    async def test_nodes_get_routes_and_lose_them(self, world: World) -> None:
        routes = world.routes()
        if routes is None:
            pytest.skip("this provider has no routes")
        nodes, harness = [world.start_instance(f"n{number}") for number in (1, 2)], attached(world)
        for number, node in enumerate(nodes):
            harness.client.add(
                make_node(
                    node.name, provider_id=node.provider_id, pod_cidrs=[f"10.244.{number}.0/24"],
                    addresses=_addresses(node),
                )
            )  # fmt: skip
        async with running(world, harness, ROUTE):
            listed = {route.destination: route.node for route in routes.list(nodes)}
            assert {"10.244.0.0/24": "n1", "10.244.1.0/24": "n2"}.items() <= listed.items()
            await harness.client.delete(NODES, "n1")
            await harness.settle(30)
            assert "10.244.0.0/24" not in {route.destination for route in routes.list(nodes)}

    async def test_a_service_gets_its_load_balancer_and_loses_it(self, world: World) -> None:
        harness = with_nodes(world)
        harness.client.add(make_service())
        async with running(world, harness, SERVICE):
            await settle(world, harness)
            assert harness.service("web")["status"]["loadBalancer"]["ingress"]
            assert world.left()
            await harness.client.delete(SERVICES, "web", namespace="default")
            await settle(world, harness)
            assert harness.client.all(SERVICES) == []
            assert not world.left()

    async def test_a_restart_changes_nothing(self, world: World) -> None:
        harness = with_nodes(world)
        for number in range(4):
            harness.client.add(make_service(f"web-{number}"))
        async with running(world, harness, SERVICE):
            await settle(world, harness)
        before, reads = world.mutations(), world.reads()
        harness.client.actions.clear()
        async with running(world, harness, SERVICE):
            await settle(world, harness)
            assert world.mutations() == before
            assert harness.writes() == []
            balancers = world.load_balancers()
            marked = balancers is not None and balancers.capabilities.stores_digests
            reads = world.reads() - reads
            assert not marked or reads <= 10, "a restart reads marks, not every part of every load balancer"

    async def test_a_changed_type_removes_the_load_balancer(self, world: World) -> None:
        harness = with_nodes(world)
        harness.client.add(make_service())
        async with running(world, harness, SERVICE):
            await settle(world, harness)
            await harness.client.patch(SERVICES, "web", {"spec": {"type": "ClusterIP"}}, namespace="default")
            await settle(world, harness)
            assert not world.left()
            assert not harness.service("web")["status"].get("loadBalancer")


def attached(world: World) -> CloudHarness:
    """A harness on the world's clock with the world's provider."""
    harness = CloudHarness(clock=world.clock, cluster=world.cluster)
    harness.attach(
        "cloud", world.provider, instances=world.instances(), routes=world.routes(),
        load_balancers=world.load_balancers(),
    )  # fmt: skip
    return harness


def with_nodes(world: World) -> CloudHarness:
    """A harness with two nodes that have instances, for Services."""
    if world.load_balancers() is None:
        pytest.skip("this provider has no load balancers")
    harness = attached(world)
    for number in (1, 2):
        node = world.start_instance(f"n{number}")
        harness.client.add(make_node(node.name, provider_id=node.provider_id, addresses=_addresses(node)))
    return harness


@asynccontextmanager
async def running(world: World, harness: CloudHarness, *only: str) -> AsyncIterator[None]:
    """Run controllers, and let the cloud do its part."""
    async with harness.running(*only):
        await settle(world, harness)
        yield


async def settle(world: World, harness: CloudHarness) -> None:
    """Let the cloud and the controllers come to rest."""
    for _ in range(3):
        world.settle()
        await harness.settle(20)


def _addresses(node: NodeRef) -> list[tuple[str, str]]:
    return [(entry.type, entry.address) for entry in node.addresses]
