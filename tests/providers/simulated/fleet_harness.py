"""A fleet on a server in memory and a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CORE_EVENTS, LEASES, NODES, PODS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s_simulated.nodes import Fleet, FleetSettings
from cloudk8s_simulated.stages.loading import read


class FleetHarness:
    """A running fleet of simulated nodes."""

    def __init__(self, client: FakeClient, clock: FakeClock, fleet: Fleet) -> None:
        self.client, self.clock, self.fleet = client, clock, fleet

    async def pod(
        self, name: str = "web", node: str = "sim-0", annotations: Mapping[str, str] | None = None, **spec: Any
    ) -> None:
        """Make a pod that is bound to a node."""
        metadata = {"name": name, "namespace": "d", "annotations": dict(annotations or {})}
        full = {"nodeName": node, "containers": [{"name": "main", "image": "i"}], "restartPolicy": "Always", **spec}
        bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": format_time(self.clock.now())}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": full}
        await self.client.create(PODS, pod, namespace="d")
        status = {"phase": "Pending", "conditions": [bound]}
        await self.client.patch(PODS, name, {"status": status}, namespace="d", subresource="status")

    async def after(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    def pod_now(self, name: str = "web") -> Object | None:
        return next((pod for pod in self.client.all(PODS) if pod["metadata"]["name"] == name), None)

    def phase(self, name: str = "web") -> str:
        pod = self.pod_now(name)
        return str((pod.get("status") or {}).get("phase")) if pod else ""

    def container(self, name: str = "web") -> Mapping[str, Any]:
        pod = self.pod_now(name)
        assert pod is not None
        status: Mapping[str, Any] = pod["status"]["containerStatuses"][0]
        return status

    def node(self, name: str = "sim-0") -> Object:
        return next(node for node in self.client.all(NODES) if node["metadata"]["name"] == name)

    def renewed(self, name: str = "sim-0") -> str:
        lease = next(lease for lease in self.client.all(LEASES) if lease["metadata"]["name"] == name)
        return str(lease["spec"]["renewTime"])

    def events(self) -> list[tuple[str, str]]:
        return [(event["reason"], event["message"]) for event in self.client.all(CORE_EVENTS)]


@asynccontextmanager
async def running_fleet(stages: str = "", *, count: int = 2, seed: int = 0) -> AsyncIterator[FleetHarness]:
    clock = FakeClock()
    client = FakeClient(clock=clock)
    informers = Informers(client, clock=clock)
    fleet = Fleet(client, informers, FleetSettings(count, seed=seed, scenario=read(stages, "test")), clock=clock)
    async with informers, asyncio.TaskGroup() as group:
        task = group.create_task(fleet.run())
        await clock.advance(0)
        yield FleetHarness(client, clock, fleet)
        task.cancel()
