"""Under throttling, lost answers and stale listings everything converges, and nothing is left or made twice."""

from __future__ import annotations

import pytest

from cloudk8s.client.resources import NODES, SERVICES
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s_simulated.testing import SimulatedWorld

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
SERVICES_MADE = 8


def make_world(seed: int, *, throttled: float = 0.0, lost: float = 0.0, lag: float = 0.0) -> SimulatedWorld:
    world = SimulatedWorld(balancer=20.0)
    world.account.lag = lag
    world.faults.seed = seed
    world.faults.__post_init__()
    world.faults.throttled, world.faults.lost = throttled, lost
    return world


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "faults",
    [{"throttled": 0.5}, {"lost": 0.3}, {"lag": 7.0}, {"throttled": 0.3, "lost": 0.2, "lag": 5.0}],
    ids=["throttled", "lost", "stale", "all"],
)
async def test_a_cluster_lives_and_dies_under_faults(seed: int, faults: dict[str, float]) -> None:
    world = make_world(seed)
    harness = CloudHarness(clock=world.clock, cluster=world.cluster, drift_repair_period=600)
    nodes = [world.start_instance(f"n{number}") for number in range(4)]
    world.faults.throttled, world.faults.lost = faults.get("throttled", 0.0), faults.get("lost", 0.0)
    world.account.lag = faults.get("lag", 0.0)
    harness.attach(
        "cloud", "simulated", instances=world.instances(), routes=world.routes(), load_balancers=world.load_balancers()
    )
    for number, node in enumerate(nodes):
        harness.client.add(make_node(node.name, taints=[TAINT], pod_cidrs=[f"10.244.{number}.0/24"]))
    for number in range(SERVICES_MADE):
        harness.client.add(make_service(f"web-{number}"))
    async with harness.running():
        await harness.settle(1500)
        assert all("taints" not in node["spec"] for node in harness.client.all(NODES))
        assert all(service["status"]["loadBalancer"].get("ingress") for service in harness.client.all(SERVICES))
        kinds = [thing.kind for thing in world.account.everything()]
        assert {kind: kinds.count(kind) for kind in ("balancer", "group", "listener", "members", "route")} == {
            "balancer": SERVICES_MADE, "group": SERVICES_MADE, "listener": SERVICES_MADE, "members": SERVICES_MADE,
            "route": 4,
        }  # fmt: skip
        for number in range(SERVICES_MADE):
            await harness.client.delete(SERVICES, f"web-{number}", namespace="default")
        for node in nodes:
            await harness.client.delete(NODES, node.name)
        await harness.settle(2500)
        assert harness.client.all(SERVICES) == []
        assert not world.left()
