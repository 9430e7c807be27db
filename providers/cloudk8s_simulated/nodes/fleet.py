"""The fleet: registers the nodes, keeps them alive, and has their pods live."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from cloudk8s.client import resources
from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import condition, name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.errors import AlreadyExists, StatusError
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_micro_time
from cloudk8s_simulated.nodes import node as nodes
from cloudk8s_simulated.nodes.addresses import FleetAddresses
from cloudk8s_simulated.nodes.custom_metrics import SimulatedMetrics
from cloudk8s_simulated.nodes.life import LifeSettings, PodLives
from cloudk8s_simulated.nodes.outages import Outages
from cloudk8s_simulated.nodes.sharing import Sharing
from cloudk8s_simulated.nodes.usage import SimulatedUsage, UsageSettings
from cloudk8s_simulated.stages.player import StagePlayer
from cloudk8s_simulated.stages.scenario import Scenario
from cloudk8s_simulated.stages.world import FleetWorld

log = logging.getLogger(__name__)

_REGISTERING: Final = 64
"""How many nodes are registered at once."""
_RENEW_SECONDS: Final = 20.0
"""Between two heartbeats of a node; half of what node monitoring tolerates."""
_RENEW_SLOTS: Final = 100
"""How often in that time some of the nodes are looked after, side by side."""
_CAPACITY: Final = {"cpu": "32", "memory": "256Gi", "pods": "110"}
_POD: Final = ("v1", "Pod")


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """How many nodes there are and what they are like."""

    count: int
    prefix: str = "sim-"
    version: str = "v1.37.0"
    seed: int = 0
    """Where the scenario has none."""
    provider: str = "simulated"
    """Scheme of the nodes' providerIDs."""
    is_initialized: bool = True
    """Otherwise nodes know neither id nor zone, and keep pods away until a cloud controller has told them."""
    scenario: Scenario = field(default_factory=Scenario)
    """What the nodes and pods do."""

    @property
    def names(self) -> list[str]:
        """The nodes' names, in order."""
        digits = len(str(max(self.count - 1, 0)))
        return [f"{self.prefix}{index:0{digits}d}" for index in range(self.count)]

    def capacity(self, index: int) -> dict[str, str]:
        """Of the n-th node."""
        behavior = self.scenario.simulation.nodes
        return _CAPACITY | behavior.capacity | behavior.group_of(index).capacity


class Fleet:
    """Simulated nodes of one cluster; `run` until cancelled. Deterministic for a seed and a clock."""

    def __init__(self, client: Client, informers: Informers, settings: FleetSettings, *, clock: Clock) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        scenario, behavior = settings.scenario, settings.scenario.simulation
        seed = settings.seed if behavior.seed is None else behavior.seed
        self._names = {name: index for index, name in enumerate(settings.names)}
        self._uids: dict[str, str] = {}
        self._renewing: set[str] = set()
        self._addresses = FleetAddresses(self._names)
        self._events = EventRecorder(client, "kubelet", clock=clock)
        self._reports: WorkQueue[str] = WorkQueue("simulated nodes", clock=clock)
        self._nodes = informers.of(resources.NODES)
        self.outages = Outages(
            informers, self._names, behavior.nodes, seed=seed, clock=clock, on_change=self._node_changed
        )
        """Which nodes are down."""
        self._nodes.add_handler(self._on_node)
        sharing, usage = Sharing(informers), UsageSettings(scenario.rules, seed)
        self.usage = SimulatedUsage(informers, self._names, sharing, usage, clock=clock)
        """What the nodes and their pods use."""
        self.metrics = SimulatedMetrics(informers, sharing)
        """What annotations measure."""
        world = FleetWorld(self.outages.is_up, self._addresses, settings.version, clock=clock)
        self._player = StagePlayer(
            client, informers, scenario.kinds, world, events=self._events, seed=seed, clock=clock
        )
        self._lives: PodLives | None = None
        if _POD not in scenario.kinds:
            life = LifeSettings(behavior.pods, seed)
            self._lives = PodLives(
                client, informers, self.outages.is_up, self._addresses, life, events=self._events, clock=clock
            )

    @property
    def names(self) -> list[str]:
        """The nodes' names, in order."""
        return list(self._names)

    async def run(self) -> None:
        """Register the nodes, then keep them alive and serve their pods."""
        await self.register()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeat(), name="simulated heartbeats")
            group.create_task(self._events.run(), name="simulated events")
            group.create_task(self.outages.run(), name="simulated outages")
            group.create_task(run_workers(self._reports, 4, self._recover), name="simulated nodes")
            group.create_task(self._player.run(), name="simulated stages")
            if self._lives is not None:
                group.create_task(self._lives.run(), name="simulated pods")

    async def register(self) -> None:
        """Make every node and its lease; one that is there is taken over."""
        names = iter(self._names)

        async def work() -> None:
            for name in names:
                await self._register(name)

        async with asyncio.TaskGroup() as group:
            for number in range(min(_REGISTERING, len(self._names))):
                group.create_task(work(), name=f"register simulated nodes {number}")

    async def _register(self, name: str) -> None:
        settings, index = self._settings, self._names[name]
        behavior, capacity = settings.scenario.simulation.nodes, settings.capacity(index)
        group = behavior.group_of(index)
        taints = [taint.model_dump(exclude_defaults=True) for taint in group.taints]
        if settings.is_initialized:
            provider_id = f"{settings.provider}:///{name}"
            labels = nodes.labels(name, index % behavior.zones) | group.labels
            obj = nodes.node(name, capacity=capacity, labels=labels, taints=taints, provider_id=provider_id)
        else:
            obj = nodes.uninitialized_node(name, capacity=capacity, labels=group.labels, taints=taints)
        try:
            created = await self._client.create(resources.NODES, obj)
        except AlreadyExists:
            created = await self._client.get(resources.NODES, name)
        self._uids[name] = created["metadata"]["uid"]
        await self._report(name)
        try:
            lease = nodes.lease(name, self._uids[name], self._clock.now())
            await self._client.create(resources.LEASES, lease, namespace=nodes.LEASE_NAMESPACE)
        except AlreadyExists:
            await self._renew(name)

    async def _report(self, name: str) -> None:
        """Say that the node is well."""
        settings, address = self._settings, self._addresses.of_node(name)
        status = nodes.status(settings.capacity(self._names[name]), address, name, settings.version, self._clock.now())
        await self._client.patch(resources.NODES, name, {"status": status}, subresource="status")

    async def _heartbeat(self) -> None:
        """Renew every lease once a period, spread over it, however busy the server is; those of dead nodes stay."""
        names, due = list(self._names), self._clock.monotonic()
        async with asyncio.TaskGroup() as group:
            for slot in cycle(range(_RENEW_SLOTS)):
                due = max(due + _RENEW_SECONDS / _RENEW_SLOTS, self._clock.monotonic() - _RENEW_SECONDS)
                await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
                for name in names[slot::_RENEW_SLOTS]:
                    if self.outages.is_up(name) and name not in self._renewing:
                        group.create_task(self._keep_alive(name), name=f"heartbeat of {name}")

    async def _keep_alive(self, name: str) -> None:
        self._renewing.add(name)
        try:
            await self._renew(name)
        except StatusError as error:
            log.debug("the lease of %s is renewed next time: %s", name, error)
        finally:
            self._renewing.discard(name)

    async def _renew(self, name: str) -> None:
        spec = {"renewTime": format_micro_time(self._clock.now())}
        namespace = nodes.LEASE_NAMESPACE
        await self._client.patch(resources.LEASES, name, {"spec": spec}, namespace=namespace, type="merge")

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        """A node whose state nobody knows any more says how it is, if it can."""
        if new is None or name_of(new) not in self._uids:
            return
        ready = condition(new, "Ready")
        if ready is not None and ready.get("status") == "Unknown" and self.outages.is_up(name_of(new)):
            self._reports.add(name_of(new))

    def _node_changed(self, name: str) -> None:
        """A node died or came back."""
        if not self.outages.is_up(name):
            return
        if name in self._uids:
            self._reports.add(name)
        self._player.look_again(name)
        if self._lives is not None:
            self._lives.look_again(name)

    async def _recover(self, name: str) -> None:
        """Say again that the node is alive and well; its conditions only where nobody knew them."""
        await self._renew(name)
        node = self._nodes.get(name)
        ready = condition(node, "Ready") if node else None
        if ready is None or ready.get("status") == "Unknown":
            await self._report(name)
