"""The fleet: registers the nodes, keeps their leases, and lives their pods' lives."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cloudk8s.client import resources
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import key_of, split_key
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.errors import AlreadyExists, NotFound, StatusError
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_micro_time, parse_time
from cloudk8s_simulated.nodes import node as nodes
from cloudk8s_simulated.nodes import pod as pods
from cloudk8s_simulated.nodes.usage import SimulatedUsage, UsageSettings

_WORKERS: Final = 32
_REGISTERING: Final = 64
"""How many nodes are registered at once."""
_RENEW_SECONDS: Final = 20.0
"""Between two heartbeats of a node; half of what node monitoring tolerates."""


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """How many nodes there are and what they are like."""

    count: int
    prefix: str = "sim-"
    capacity: dict[str, str] = field(default_factory=lambda: {"cpu": "32", "memory": "256Gi", "pods": "110"})
    zones: int = 3
    """Nodes are spread over this many zones, in turn."""
    version: str = "v1.37.0"
    start_delay: timedelta = timedelta(0)
    """From binding to Running."""
    job_duration: timedelta = timedelta(seconds=1)
    """How long pods of Jobs run."""
    seed: int = 0
    provider: str = "simulated"
    """Scheme of the nodes' providerIDs."""
    is_initialized: bool = True
    """Otherwise nodes know neither id nor zone, and keep pods away until a cloud controller has told them."""

    @property
    def names(self) -> list[str]:
        """The nodes' names, in order."""
        digits = len(str(max(self.count - 1, 0)))
        return [f"{self.prefix}{index:0{digits}d}" for index in range(self.count)]


class Fleet:
    """Simulated nodes of one cluster; `run` until cancelled. Deterministic for a seed and a clock."""

    def __init__(self, client: Client, informers: Informers, settings: FleetSettings, *, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._random = random.Random(settings.seed)
        self._names = {name: index for index, name in enumerate(settings.names)}
        self._uids: dict[str, str] = {}
        self._addresses = iter(ipaddress.ip_network("10.128.0.0/9").hosts())
        self._queue: WorkQueue[str] = WorkQueue("simulated pods", clock=clock)
        self._pods = informers.of(resources.PODS)
        self._pods.add_handler(self._on_pod)
        self.usage = SimulatedUsage(informers, self._names, UsageSettings(seed=settings.seed), clock=clock)
        """What the nodes and their pods use."""

    @property
    def names(self) -> list[str]:
        """The nodes' names, in order."""
        return list(self._names)

    async def run(self) -> None:
        """Register the nodes, then keep them alive and serve their pods."""
        await self.register()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeat(), name="simulated heartbeats")
            group.create_task(run_workers(self._queue, _WORKERS, self._sync), name="simulated pods")

    async def register(self) -> None:
        """Make every node and its lease; one that is there is taken over."""
        names = iter(self._names)

        async def work() -> None:
            for name in names:
                await self._register(name)

        async with asyncio.TaskGroup() as group:
            for number in range(min(_REGISTERING, len(self._names))):
                group.create_task(work(), name=f"register simulated nodes {number}")

    def _host(self, name: str) -> str:
        return str(ipaddress.ip_address("10.64.0.0") + self._names[name] + 1)

    async def _register(self, name: str) -> None:
        settings = self._settings
        if settings.is_initialized:
            provider_id = f"{settings.provider}:///{name}"
            labels = nodes.labels(name, self._names[name] % settings.zones)
            obj = nodes.node(name, capacity=settings.capacity, labels=labels, provider_id=provider_id)
        else:
            obj = nodes.uninitialized_node(name, capacity=settings.capacity)
        try:
            created = await self._client.create(resources.NODES, obj)
        except AlreadyExists:
            created = await self._client.get(resources.NODES, name)
        self._uids[name] = created["metadata"]["uid"]
        status = nodes.status(settings.capacity, self._host(name), name, settings.version, self._clock.now())
        await self._client.patch(resources.NODES, name, {"status": status}, subresource="status")
        try:
            lease = nodes.lease(name, self._uids[name], self._clock.now())
            await self._client.create(resources.LEASES, lease, namespace=nodes.LEASE_NAMESPACE)
        except AlreadyExists:
            await self._renew(name)

    async def _heartbeat(self) -> None:
        """Renew every lease once a period, evenly spread over it."""
        pause = _RENEW_SECONDS / max(1, len(self._names))
        while True:
            for name in list(self._names):
                try:
                    await self._renew(name)
                except StatusError:
                    await self._clock.sleep(pause)
                    continue
                await self._clock.sleep(pause)

    async def _renew(self, name: str) -> None:
        spec = {"renewTime": format_micro_time(self._clock.now())}
        namespace = nodes.LEASE_NAMESPACE
        await self._client.patch(resources.LEASES, name, {"spec": spec}, namespace=namespace, type="merge")

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new["spec"].get("nodeName") in self._names:
            self._queue.add(key_of(new))

    async def _sync(self, key: str) -> timedelta | None:
        """Bring one pod a step forward; returns when to look again."""
        namespace, name = split_key(key)
        pod = self._pods.get(name, namespace)
        if pod is None:
            return None
        if pod["metadata"].get("deletionTimestamp"):
            await self._remove(pod)
            return None
        phase = (pod.get("status") or {}).get("phase", "Pending")
        if phase == "Pending":
            return await self._start(pod)
        return await self._finish(pod) if phase == "Running" else None

    async def _start(self, pod: Object) -> timedelta | None:
        scheduled = _scheduled_at(pod)
        if self._settings.start_delay and scheduled:
            left = parse_time(scheduled) + self._settings.start_delay - self._clock.now()
            if left > timedelta(0):
                return left
        host = self._host(pod["spec"]["nodeName"])
        address = host if pod["spec"].get("hostNetwork") else str(next(self._addresses))
        await self._report(pod, pods.running(pod, address=address, host=host, now=self._clock.now()))
        seconds = pods.run_seconds(pod, self._settings.job_duration.total_seconds())
        return timedelta(seconds=seconds) if seconds is not None else None

    async def _finish(self, pod: Object) -> timedelta | None:
        seconds = pods.run_seconds(pod, self._settings.job_duration.total_seconds())
        if seconds is None:
            return None
        started = (pod.get("status") or {}).get("startTime")
        left = parse_time(started) + timedelta(seconds=seconds) - self._clock.now() if started else timedelta(0)
        if left > timedelta(0):
            return left
        await self._report(pod, pods.finished(pod, code=pods.exit_code(pod), now=self._clock.now()))
        return None

    async def _report(self, pod: Object, status: dict[str, object]) -> None:
        metadata = pod["metadata"]
        await self._client.patch(
            resources.PODS, metadata["name"], {"status": status}, namespace=metadata["namespace"], subresource="status"
        )

    async def _remove(self, pod: Object) -> None:
        metadata = pod["metadata"]
        options = DeleteOptions(grace_period_seconds=0, uid=metadata["uid"])
        try:
            await self._client.delete(
                resources.PODS, metadata["name"], namespace=metadata["namespace"], options=options
            )
        except NotFound:
            return


def _scheduled_at(pod: Object) -> str:
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition["type"] == "PodScheduled":
            return str(condition.get("lastTransitionTime") or "")
    return ""
