"""The cloud controllers over a fake API server and any contracts, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import CORE_EVENTS, NODES, SERVICES
from cloudk8s.cloud.controllers.assembly import attach, registrations
from cloudk8s.cloud.directory import AttachedCloud, CloudController
from cloudk8s.cloud.interface import Instances, LoadBalancers, Routes
from cloudk8s.cloud.metrics import CloudMetrics
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import Action, FakeClient
from cloudk8s.testing.inline import InlineExecutor

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class CloudHarness:
    """Add clouds, then `async with harness.running()`, then move `clock`. Calls of clouds run in the test's thread."""

    def __init__(self, *, clock: FakeClock | None = None, metrics: CloudMetrics | None = None, **settings: Any) -> None:
        self.metrics = metrics
        self.clock = clock or FakeClock()
        self.client = FakeClient(clock=self.clock)
        defaults: dict[str, Any] = {
            "cluster": "test",
            "cluster_cidrs": ("10.244.0.0/16",),
            "newborn_grace": timedelta(0),
        }
        self.settings = CloudControllerSettings(**(defaults | settings))
        self.clouds: list[AttachedCloud] = []
        self.controllers: Mapping[str, Controller] = {}
        self.executor: Executor = InlineExecutor()
        """Runs the calls of clouds that are attached from now on."""

    def attach(
        self, name: str = "fake", provider: str = "", *, instances: Instances | None = None,
        routes: Routes | None = None, load_balancers: LoadBalancers | None = None,
        controllers: Sequence[CloudController] = (),
    ) -> AttachedCloud:  # fmt: skip
        """Add a cloud with these contracts."""
        cloud = attach(
            name, provider or name, clock=self.clock, settings=self.settings, instances=instances, routes=routes,
            load_balancers=load_balancers, executor=self.executor, metrics=self.metrics, controllers=controllers,
        )  # fmt: skip
        self.clouds.append(cloud)
        return cloud

    @asynccontextmanager
    async def running(self, *only: str) -> AsyncIterator[CloudHarness]:
        """Run the controllers (all, or those named) until the block ends; a second block is a restart."""
        informers = Informers(self.client, clock=self.clock)
        events = EventRecorder(self.client, "test", clock=self.clock)
        cluster = ClusterSettings(data_dir=Path("/nonexistent"))
        context = ControllerContext(self.client, informers, events, self.clock, cluster)
        wanted = registrations(self.clouds, self.settings, clock=self.clock, metrics=self.metrics)
        self.controllers = {entry.name: entry.factory(context) for entry in wanted}
        async with informers:
            await informers.synced()
            loops = [controller.run() for name, controller in self.controllers.items() if not only or name in only]
            tasks = [asyncio.create_task(loop) for loop in [*loops, events.run()]]
            try:
                await self.settle()
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self, seconds: float = 2.0) -> None:
        """Let time pass, and all that it sets off happen."""
        await self.clock.advance(seconds)

    def writes(self, plural: str = "") -> list[Action]:
        """The writing requests made by controllers, events left out."""
        return [
            action
            for action in self.client.actions
            if action.verb in WRITES and action.resource.plural != "events" and plural in ("", action.resource.plural)
        ]

    def events(self, name: str = "") -> list[tuple[str, str]]:
        """Type and reason of all events (of one object), in order."""
        found = [event for event in self.client.all(CORE_EVENTS) if name in ("", event["involvedObject"]["name"])]
        return [(event["type"], event["reason"]) for event in sorted(found, key=_age)]

    def event_sources(self, name: str) -> set[str]:
        """Which components have told something of an object."""
        found = [event for event in self.client.all(CORE_EVENTS) if event["involvedObject"]["name"] == name]
        return {str(event["source"]["component"]) for event in found}

    def node(self, name: str) -> Object:
        node = self.client.peek(NODES, name)
        assert node is not None, f"node {name} is gone"
        return node

    def service(self, name: str, namespace: str = "default") -> Object:
        service = self.client.peek(SERVICES, name, namespace)
        assert service is not None, f"service {name} is gone"
        return service


def make_node(
    name: str, *, provider_id: str = "", taints: Sequence[Mapping[str, Any]] = (), ready: bool | None = True,
    labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None,
    pod_cidrs: Sequence[str] = (), addresses: Sequence[tuple[str, str]] = (),
) -> Object:  # fmt: skip
    """A Node object. `ready` None leaves the condition out."""
    spec: dict[str, Any] = {}
    if provider_id:
        spec["providerID"] = provider_id
    if taints:
        spec["taints"] = [dict(taint) for taint in taints]
    if pod_cidrs:
        spec |= {"podCIDR": pod_cidrs[0], "podCIDRs": list(pod_cidrs)}
    status: dict[str, Any] = {"addresses": [{"type": kind, "address": address} for kind, address in addresses]}
    if ready is not None:
        status["conditions"] = [{"type": "Ready", "status": "True" if ready else "False"}]
    metadata = {"name": name, "labels": dict(labels or {}), "annotations": dict(annotations or {})}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def make_service(
    name: str = "web", *, namespace: str = "default", type: str = "LoadBalancer",
    ports: Sequence[Mapping[str, Any]] = (), annotations: Mapping[str, str] | None = None, **spec: Any,
) -> Object:  # fmt: skip
    """A Service object; one TCP port 80 with node port 30080 unless told otherwise."""
    wanted = list(ports) or [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": 30080}]
    metadata = {"name": name, "namespace": namespace, "annotations": dict(annotations or {})}
    body = {"type": type, "ports": wanted, "ipFamilies": ["IPv4"], "sessionAffinity": "None", **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body, "status": {"loadBalancer": {}}}


def _age(event: Object) -> str:
    return str(event["metadata"]["name"]).rpartition(".")[2]
