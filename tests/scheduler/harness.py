"""A scheduler under test: an API server in memory, a clock that the test moves, short ways to write nodes and pods."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import EVENTS, NODES, PODS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.scheduler.metrics import SchedulerMetrics
from cloudk8s.scheduler.scheduler import Scheduler, SchedulerContext
from cloudk8s.testing.fake_client import FakeClient

NS = "default"


class Harness:
    """A running scheduler."""

    def __init__(self, client: FakeClient, clock: FakeClock, scheduler: Scheduler) -> None:
        self.client = client
        self.clock = clock
        self.scheduler = scheduler

    async def settle(self, seconds: float = 1.0, step: float = 0.1) -> None:
        """Let time pass in small steps."""
        for _ in range(max(1, round(seconds / step))):
            await self.clock.advance(step)

    def node_of(self, name: str, namespace: str = NS) -> str:
        """Where a pod was bound; empty if it was not."""
        return str(self.pod(name, namespace)["spec"].get("nodeName") or "")

    def pod(self, name: str, namespace: str = NS) -> Object:
        found = self.client.peek(PODS, name, namespace)
        assert found is not None, f"pod {namespace}/{name} does not exist"
        return found

    def placement(self) -> dict[str, str]:
        """Every pod's node."""
        return {pod["metadata"]["name"]: pod["spec"].get("nodeName") or "" for pod in self.client.all(PODS)}

    def condition(self, name: str) -> Mapping[str, Any]:
        """The PodScheduled condition of a pod."""
        conditions = (self.pod(name).get("status") or {}).get("conditions") or ()
        return next((item for item in conditions if item["type"] == "PodScheduled"), {})

    def events(self, name: str = "") -> list[tuple[str, str]]:
        """Reason and note of all events (of one object)."""
        found = self.client.all(EVENTS)
        return [(e["reason"], e["note"]) for e in found if not name or e["regarding"]["name"] == name]

    async def create(self, *pods: Object) -> None:
        for obj in pods:
            await self.client.create(PODS, obj)

    async def patch_node(self, name: str, patch: Object) -> None:
        await self.client.patch(NODES, name, patch)
        if "status" in patch:
            await self.client.patch(NODES, name, patch, subresource="status")


@asynccontextmanager
async def running(
    *objects: Object,
    client: FakeClient | None = None,
    clock: FakeClock | None = None,
    seed: int = 0,
    instruments: Instruments | None = None,
    patience: timedelta = timedelta(minutes=5),
    **options: Any,
) -> AsyncIterator[Harness]:
    """A scheduler that runs while the block does; it has looked at `objects` when the block begins."""
    clock = clock or FakeClock()
    client = client or FakeClient(clock=clock)
    for obj in objects:
        client.add(obj)
    events = EventRecorder(client, "default-scheduler", clock=clock, series=True)
    async with Informers(client, clock=clock) as informers:
        metrics = SchedulerMetrics(instruments or Instruments())
        context = SchedulerContext(client, informers, events, clock, random.Random(seed), metrics, patience)
        scheduler = Scheduler(context, **options)
        tasks = [asyncio.create_task(scheduler.run()), asyncio.create_task(events.run())]
        harness = Harness(client, clock, scheduler)
        try:
            await harness.settle(0.5)
            yield harness
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def node(
    name: str,
    *,
    cpu: str = "4",
    memory: str = "8Gi",
    pods: str = "110",
    labels: Mapping[str, str] | None = None,
    taints: Iterable[tuple[str, str, str]] = (),
    unschedulable: bool = False,
    images: Mapping[str, int] | None = None,
    **resources: str,
) -> Object:
    """A node; its hostname label is its name, further resources are given with `_` for `.` and `__` for `/`."""
    extra = {key.replace("__", "/").replace("_", "."): value for key, value in resources.items()}
    spec: Object = {"unschedulable": True} if unschedulable else {}
    if found := [{"key": key, "value": value, "effect": effect} for key, value, effect in taints]:
        spec["taints"] = found
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods, **extra},
            "images": [{"names": [image], "sizeBytes": size} for image, size in (images or {}).items()],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(
    name: str,
    *,
    cpu: str = "",
    memory: str = "",
    labels: Mapping[str, str] | None = None,
    namespace: str = NS,
    node: str = "",
    image: str = "image:1",
    ports: Sequence[Mapping[str, Any]] = (),
    requests: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Object:
    """A pod with one container; on `node` if one is given."""
    wanted = {"cpu": cpu, "memory": memory, **(requests or {})}
    resources = {"requests": {key: value for key, value in wanted.items() if value}}
    container: Object = {"name": "c", "image": image, "resources": resources}
    if ports:
        container["ports"] = list(ports)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {}), **(metadata or {})},
        "spec": {"containers": [container], **({"nodeName": node} if node else {}), **spec},
        "status": {"phase": "Pending", **(status or {})},
    }


def zone(name: str) -> dict[str, str]:
    return {"topology.kubernetes.io/zone": name}


def spread(
    key: str, labels: Mapping[str, str], *, skew: int = 1, when: str = "DoNotSchedule", **more: Any
) -> dict[str, Any]:
    """A topology spread constraint."""
    selector = {"matchLabels": dict(labels)}
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector, **more}


def near(labels: Mapping[str, str], key: str, **more: Any) -> dict[str, Any]:
    """A term of pod affinity or anti-affinity."""
    return {"labelSelector": {"matchLabels": dict(labels)}, "topologyKey": key, **more}


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
