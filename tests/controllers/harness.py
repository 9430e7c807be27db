"""Controllers under test: an API server in memory, a clock that the test moves, and a kubelet of a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, DeleteOptions, Object, Resource
from cloudk8s.client.resources import CORE_EVENTS, PODS
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.registry import Registration
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.machinery.times import format_time
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import Action, FakeClient

Factory = Callable[[ControllerContext], Controller]
NS = "default"


class Harness:
    """A running set of controllers."""

    def __init__(self, client: FakeClient, clock: FakeClock) -> None:
        self.client = client
        self.clock = clock
        self.has_kubelet = True
        self.bad_images: set[str] = set()
        """Pods with these images start but never become ready."""

    async def settle(self, seconds: float = 1.0, step: float = 0.05) -> None:
        """Let time pass in small steps, with the kubelet at work."""
        for _ in range(max(1, round(seconds / step))):
            await self.clock.advance(step)
            if self.has_kubelet:
                await self.run_kubelet()
        await self.clock.advance(0)

    async def run_kubelet(self) -> None:
        """Pods become ready at once; deleted ones go at once."""
        for pod in self.client.all(PODS):
            if pod["metadata"].get("deletionTimestamp"):
                if not pod["metadata"].get("finalizers"):
                    await self.end(pod)
            elif pod.get("status", {}).get("phase", "Pending") == "Pending":
                is_good = self.bad_images.isdisjoint(c["image"] for c in pod["spec"]["containers"])
                await self.set_pod(pod, ready=is_good)

    async def set_pod(self, pod: Object, *, phase: str = "Running", ready: bool = True, **status: Any) -> None:
        """Write a pod's status as a kubelet would."""
        condition = {
            "type": "Ready",
            "status": "True" if ready and phase == "Running" else "False",
            "lastTransitionTime": format_time(self.clock.now()),
        }
        patch = {"status": {"phase": phase, "conditions": [condition], **status}}
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        await self.client.patch(PODS, name, patch, namespace=namespace, type="strategic", subresource="status")

    async def end(self, pod: Object) -> None:
        """A kubelet's last word on a deleted pod."""
        options = DeleteOptions(grace_period_seconds=0)
        await self.client.delete(PODS, pod["metadata"]["name"], namespace=pod["metadata"]["namespace"], options=options)

    def names(self, resource: Resource, namespace: str = "") -> list[str]:
        return [obj["metadata"]["name"] for obj in self.client.all(resource, namespace)]

    def pods(self, **labels: str) -> list[Object]:
        """Pods that are not being deleted and carry these labels."""
        return [
            pod
            for pod in self.client.all(PODS)
            if not pod["metadata"].get("deletionTimestamp")
            and labels.items() <= (pod["metadata"].get("labels") or {}).items()
        ]

    def get(self, resource: Resource, name: str, namespace: str = NS) -> Object:
        found = self.client.peek(resource, name, namespace if resource.namespaced else "")
        assert found is not None, f"{resource.kind} {name} does not exist"
        return found

    def writes(self, resource: Resource) -> int:
        """How many requests changed objects of the resource so far."""
        verbs = ("create", "update", "patch", "delete")
        return sum(action.resource == resource and action.verb in verbs for action in self.client.actions)

    def events(self, name: str = "") -> list[tuple[str, str]]:
        """Reason and message of all events (of one object)."""
        found = self.client.all(CORE_EVENTS)
        return [(e["reason"], e["message"]) for e in found if not name or e["involvedObject"]["name"] == name]


@asynccontextmanager
async def running(
    *factories: Factory,
    objects: Iterable[Object] = (),
    options: ControllerSettings | None = None,
    client: FakeClient | None = None,
    via: Client | None = None,
    clock: FakeClock | None = None,
    settings: ClusterSettings | None = None,
    instruments: Instruments | None = None,
) -> AsyncIterator[Harness]:
    """Controllers that run while the block does; the kubelet comes in `settle`.

    They see the server through `via` where it is given.
    """
    clock = clock or FakeClock()
    client = client or FakeClient(clock=clock)
    for obj in objects:
        client.add(obj)
    seen = via or client
    events = EventRecorder(seen, "controller-manager", clock=clock)
    registrations = [Registration(factory.__name__, factory) for factory in factories]
    async with Informers(seen, clock=clock) as informers:
        settings = settings or ClusterSettings(data_dir=Path("/nonexistent"))
        chosen, counted = options or ControllerSettings(), instruments or Instruments()
        context = ControllerContext(seen, informers, events, clock, settings, chosen, counted)
        tasks = [
            asyncio.create_task(run_controllers(context, registrations)),
            asyncio.create_task(events.run()),
        ]
        try:
            await clock.advance(0)
            yield Harness(client, clock)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def refusing(resource: Resource) -> Callable[[Action], None]:
    """A reaction: every write of the resource fails."""

    def react(action: Action) -> None:
        if action.resource == resource and action.verb in ("create", "update", "patch", "delete"):
            raise ServiceUnavailable("no")

    return react


def template(labels: Mapping[str, str], image: str = "image:1", **spec: Any) -> Object:
    return {"metadata": {"labels": dict(labels)}, "spec": {"containers": [{"name": "c", "image": image}], **spec}}


def pod(name: str, *, labels: Mapping[str, str] | None = None, namespace: str = NS, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {}), **metadata},
        "spec": {"containers": [{"name": "c", "image": "image:1"}]},
        "status": {"phase": "Pending"},
    }


def replica_set(name: str, replicas: int, *, labels: Mapping[str, str] | None = None, **spec: Any) -> Object:
    labels = labels or {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": NS, "labels": dict(labels)},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template(labels), **spec},
    }


def deployment(
    name: str, replicas: int, *, image: str = "image:1", strategy: Object | None = None, **spec: Any
) -> Object:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NS, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template(labels, image),
            "strategy": strategy or rolling("25%", "25%"),
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def stateful_set(
    name: str, replicas: int, *, image: str = "image:1", rolling: Object | None = None, **spec: Any
) -> Object:
    labels = {"app": name}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, **(rolling or {})}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": NS, "labels": labels},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": template(labels, image),
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": strategy,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def daemon_set(name: str, *, image: str = "image:1", rolling: Object | None = None, **spec: Any) -> Object:
    labels = {"app": name}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0, **(rolling or {})}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": NS, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": template(labels, image),
            "updateStrategy": strategy,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def rolling(surge: int | str, unavailable: int | str) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(
    name: str,
    *,
    selector: Mapping[str, str] | None = MappingProxyType({"app": "web"}),
    labels: Mapping[str, str] | None = None,
    ports: list[Object] | None = None,
    **spec: Any,
) -> Object:
    """A Service that selects `ready_pod`s unless told otherwise."""
    ports = [{"port": 80, "targetPort": 80}] if ports is None else ports
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NS, "labels": dict(labels or {})},
        "spec": {
            "clusterIP": "10.96.0.1",
            "ports": ports,
            **({"selector": dict(selector)} if selector else {}),
            **spec,
        },
    }


def ready_pod(
    name: str,
    ip: str,
    *,
    ready: bool = True,
    phase: str = "Running",
    node: str = "",
    ips: list[str] | None = None,
    ports: list[Object] | None = None,
) -> Object:
    """A pod with an address, labelled app=web."""
    made = pod(name, labels={"app": "web"})
    made["spec"]["containers"][0]["ports"] = ports or []
    if node:
        made["spec"]["nodeName"] = node
    made["status"] = {"phase": phase, "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    if ip:
        made["status"] |= {"podIP": ip, "podIPs": [{"ip": address} for address in ips or [ip]]}
    return made


def node(name: str, *, zone: str = "", **metadata: Any) -> Object:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, **metadata},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
