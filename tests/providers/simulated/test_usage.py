from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.resource_metrics.usage import Usage
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import PODS, REPLICA_SETS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s_simulated.nodes.sharing import Sharing
from cloudk8s_simulated.nodes.usage import SimulatedUsage, UsageSettings

MIB = 2**20


class World:
    """Pods on node `sim-0`, and what is said of their use."""

    def __init__(self, **settings: Any) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(clock=self.clock)
        self.informers = Informers(self.client, clock=self.clock)
        self.usage = SimulatedUsage(
            self.informers, ["sim-0"], Sharing(self.informers), UsageSettings(**settings), clock=self.clock
        )

    async def pod(
        self,
        name: str = "web",
        annotations: dict[str, str] | None = None,
        owner: Object | None = None,
        **resources: Any,
    ) -> Object:
        containers = [{"name": "main", "image": "i", "resources": resources}]
        running = {"name": "main", "state": {"running": {"startedAt": format_time(self.clock.now())}}}
        owners = []
        if owner:
            known = {"kind": "ReplicaSet", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
            owners = [{"apiVersion": "apps/v1", "controller": True, **known}]
        metadata = {"name": name, "namespace": "d", "annotations": annotations or {}, "ownerReferences": owners}
        spec = {"nodeName": "sim-0", "containers": containers}
        status = {"phase": "Running", "containerStatuses": [running]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        await self.client.create(PODS, pod, namespace="d")
        return await self.client.patch(PODS, name, {"status": status}, namespace="d", subresource="status")

    async def used(self, pod: Object, seconds: float = 20.0) -> Usage | None:
        async with self.informers:
            await self.clock.advance(seconds)
            measured = self.usage.of_pod(pod)
        return measured.usage["main"] if measured else None


REQUESTS = {"cpu": "1", "memory": "100Mi"}


@pytest.mark.parametrize(
    ("annotations", "cpu", "memory"),
    [
        ({"simulated.cloudk8s.io/usage-cpu": "250m", "simulated.cloudk8s.io/usage-memory": "1Gi"}, 250, 1024),
        ({"simulated.cloudk8s.io/usage-cpu": "80%", "simulated.cloudk8s.io/usage-memory": "10%"}, 800, 10),
        ({"kwok.x-k8s.io/usage-cpu": "2", "kwok.x-k8s.io/usage-memory": "5Mi"}, 2000, 5),
    ],
)
async def test_annotations_say_what_containers_use(annotations: dict[str, str], cpu: int, memory: int) -> None:
    world = World()
    pod = await world.pod(annotations=annotations, requests=REQUESTS)
    assert await world.used(pod) == Usage(cpu * 10**6, memory * MIB)


async def test_nothing_uses_more_than_its_limit() -> None:
    world = World()
    pod = await world.pod(annotations={"simulated.cloudk8s.io/usage-cpu": "5"}, limits={"cpu": "700m"})
    used = await world.used(pod)
    assert used is not None
    assert used.cpu_nano_cores == 700_000_000


async def test_pods_use_about_half_of_what_they_request_and_the_seed_decides_how_much() -> None:
    found = []
    for seed in (1, 1, 2):
        world = World(seed=seed)
        used = await world.used(await world.pod(requests=REQUESTS))
        assert used is not None
        assert 450_000_000 <= used.cpu_nano_cores <= 550_000_000
        assert used.memory_bytes % 1024 == 0
        found.append(used)
    assert found[0] == found[1] != found[2]


async def test_pods_share_the_load_of_their_replica_set() -> None:
    world = World()
    annotations = {"simulated.cloudk8s.io/load-cpu": "3"}
    metadata = {"name": "web-1", "namespace": "d", "annotations": annotations}
    owner = await world.client.create(
        REPLICA_SETS, {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata}, namespace="d"
    )
    pods = [await world.pod(name, owner=owner, requests=REQUESTS) for name in ("a", "b", "c")]
    used = await world.used(pods[0])
    assert used is not None
    assert used.cpu_nano_cores == 1_000_000_000


async def test_rules_count_before_requests() -> None:
    class Rule:
        def amount(self, pod: Object, container: Any, resource: str) -> str:
            return "10m" if resource == "cpu" else ""

    world = World(rules=[Rule()])
    used = await world.used(await world.pod(requests=REQUESTS))
    assert used is not None
    assert used.cpu_nano_cores == 10_000_000
    assert used.memory_bytes > 40 * MIB


async def test_a_pod_that_just_started_or_is_elsewhere_is_not_known() -> None:
    world = World()
    pod = await world.pod()
    assert await world.used(pod, seconds=0.5) is None
    elsewhere = {**pod, "spec": {**pod["spec"], "nodeName": "other"}}
    assert world.usage.of_pod(elsewhere) is None


async def test_a_node_uses_what_its_pods_use_and_a_little() -> None:
    world = World()
    for name in ("a", "b"):
        await world.pod(name, annotations={"simulated.cloudk8s.io/usage-cpu": "1"})
    async with world.informers:
        await world.clock.advance(20)
        measured = world.usage.of_node({"metadata": {"name": "sim-0"}})
        assert measured is not None
        assert measured.usage[""].cpu_nano_cores == 2_050_000_000
        assert world.usage.of_node({"metadata": {"name": "other"}}) is None
