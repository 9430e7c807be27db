"""The node agent: registers the node, runs its pods, serves their streams.

Composition only: what the parts do is in their folders. `NodeAgent(...).run()` ends when cancelled; containers go on.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.client.events import EventKind, EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import spec_of
from cloudk8s.client.resources import NODES, PODS, SERVICES
from cloudk8s.machinery import quantity
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.cluster.claims import ClaimReader
from cloudk8s.node.cluster.configuration import ConfigurationCache
from cloudk8s.node.cluster.node_status import NodeReporter
from cloudk8s.node.cluster.services import ServiceVariables
from cloudk8s.node.cluster.tokens import TokenManager
from cloudk8s.node.containers.fields import PodFacts
from cloudk8s.node.counts import AgentCounts
from cloudk8s.node.credentials.assembly import node_logins
from cloudk8s.node.extensions import NodeExtensions
from cloudk8s.node.machine import addresses, capacity
from cloudk8s.node.machine.node_object import Self
from cloudk8s.node.machine.transitions import scheduling
from cloudk8s.node.pods.image_puller import ImagePuller
from cloudk8s.node.pods.log_rotation import LogRotation
from cloudk8s.node.pods.static import StaticPods
from cloudk8s.node.pods.tools import NodeFacts, Tools
from cloudk8s.node.pods.user_ranges import UserRanges
from cloudk8s.node.pods.workers import PodWorkers
from cloudk8s.node.pressure.consumption import Consumption
from cloudk8s.node.pressure.enforcement import Enforcement
from cloudk8s.node.pressure.eviction import Eviction, Manner
from cloudk8s.node.pressure.images import ImageCollector
from cloudk8s.node.pressure.local_storage import LocalStorageLimits
from cloudk8s.node.pressure.marks import Marks
from cloudk8s.node.runtimes.counted import counted
from cloudk8s.node.runtimes.interface import Runtime
from cloudk8s.node.server import serving
from cloudk8s.node.server.application import Application
from cloudk8s.node.server.authorization import DelegatedAuthorization
from cloudk8s.node.settings import NodeSettings
from cloudk8s.node.shutdown import inhibitor
from cloudk8s.node.shutdown.sequence import ShutdownSequence, phases_of
from cloudk8s.node.volumes.claims import ClaimVolumes
from cloudk8s.node.volumes.configuration import KINDS, ConfigurationVolumes
from cloudk8s.node.volumes.empty_dir import EmptyDirVolumes
from cloudk8s.node.volumes.host_path import HostPathVolumes
from cloudk8s.node.volumes.image import ImageVolumes
from cloudk8s.node.volumes.interface import VolumePlugin
from cloudk8s.node.volumes.manager import VolumeManager

_log = logging.getLogger(__name__)


class NodeAgent:
    """One node. `runtime` is started and closed by the agent; `client` is not."""

    def __init__(
        self,
        settings: NodeSettings,
        client: Client,
        runtime: Runtime,
        clock: Clock,
        *,
        authorize: bool = True,
    ) -> None:
        self.settings = settings
        self._authorize = authorize
        self._counts = AgentCounts()
        self._client, self._clock = client, clock
        self._runtime = counted(runtime, self._counts, clock=clock)
        self._informers = Informers(client, clock=clock)
        self._events = EventRecorder(client, "kubelet", clock=clock, instance=settings.node_name)
        self._facts = NodeFacts(host_ips=addresses.node_ips(settings.node_ip), has_apparmor=capacity.has_apparmor())
        self._configuration = ConfigurationCache(self._informers, on_change=self._configuration_changed)
        tokens = TokenManager(client, clock=clock)
        self._extensions = NodeExtensions(settings, client, tokens, clock=clock, on_change=lambda: self._report_soon())
        self._tools = self._make_tools(tokens)
        self.workers = PodWorkers(self._tools)
        self._reporter = NodeReporter(settings, client, clock=clock, look=self._look, events=self._events)
        self._static = self._make_static()
        self._images = ImageCollector(
            settings, self._runtime, clock=clock, held=self._tools.volumes.images, announce=self._node_warning
        )
        self._marks = Marks(settings)
        self._eviction = self._make_eviction()
        self._enforcement = Enforcement(settings, self._runtime, clock=clock, announce=self._node_event)
        self.workers.check_with(self._eviction.refusal)
        phases = phases_of(settings)
        self._shutdown = ShutdownSequence(
            self.workers, phases, clock=clock, report=self._reporter.report,
            announce=lambda reason, note: self._node_event("Normal", reason, note),
        )  # fmt: skip
        self.port = settings.port
        """The port of the serving side, once it listens."""
        self.is_running = asyncio.Event()
        """Set once the node is registered and its pods are known."""

    async def run(self) -> None:
        """Run the node until cancelled."""
        await asyncio.to_thread(_make_directories, self.settings)
        await self._runtime.start()
        try:
            async with self._informers, asyncio.TaskGroup() as group:
                group.create_task(self._events.run(), name="node events")
                server = await self._make_server()
                async with server:
                    self.port = server.port
                    await self._prepare()
                    await self._work(group)
        finally:
            await self._runtime.close()

    async def shut_down(self) -> None:
        """End the pods, because the node ends; the agent goes on until it is cancelled."""
        await self._shutdown.run()

    async def _work(self, group: asyncio.TaskGroup) -> None:
        rotation = LogRotation(self.settings, self._runtime, clock=self._clock, running=self.workers.running_containers)
        await self._marks.find_disks(self._runtime)
        group.create_task(self._enforcement.run(), name="limits of all pods")
        async with self._working():
            group.create_task(self._reporter.run(), name="node status")
            group.create_task(self._reporter.run_lease(), name="node lease")
            group.create_task(self.workers.listen(), name="runtime events")
            group.create_task(rotation.run(), name="log rotation")
            group.create_task(self._eviction.run(), name="eviction")
            group.create_task(self._images.run(), name="image collection")
            group.create_task(self._extensions.run(), name="plugins")
            group.create_task(self.workers.retry_orphans(), name="orphans")
            if self._shutdown.is_wanted and inhibitor.is_available():
                group.create_task(inhibitor.Inhibitor(self._shutdown).run(), name="shutdown")
            if self._static is not None:
                group.create_task(self._static.run(), name="static pods")
            self.is_running.set()
            await asyncio.Event().wait()

    async def _make_server(self) -> HTTPServer:
        """The serving side; with a certificate of its own where none was given."""
        settings = self.settings
        context = await asyncio.to_thread(serving.context, settings, self._facts.host_ips)
        check = DelegatedAuthorization(self._client, settings.node_name, clock=self._clock) if self._authorize else None
        handler = Application(self._tools, self.workers, check)
        given = socket.socket(fileno=settings.listen_fd) if settings.listen_fd >= 0 else None
        return HTTPServer(handler, context, host=settings.address, port=settings.port, sock=given, clock=self._clock)

    async def _prepare(self) -> None:
        """Register, and learn from the Node what others decided: labels, pod range."""
        ranges = [part for part in self.settings.pod_cidr.split(",") if part]
        if ranges:
            await self._runtime.update_pod_cidr(ranges)
        await self._extensions.load()
        node = await self._reporter.register()
        await self._extensions.prepare()
        self._node_changed(None, node)
        name = self.settings.node_name
        self._informers.of(NODES, field_selector=f"metadata.name={name}").add_handler(self._node_changed)
        await self._informers.of(SERVICES).synced()

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        """Workers run, and what belongs to no pod is cleared away."""
        pods = self._informers.of(PODS, field_selector=f"spec.nodeName={self.settings.node_name}")
        stop = pods.add_handler(self.workers.changed)
        try:
            await pods.synced()
            if self._static is not None:
                await self._static.look()
            await self.workers.clear_orphans()
            yield
        finally:
            stop()
            await self.workers.close()

    def _make_static(self) -> StaticPods | None:
        directory = self.settings.static_pod_path
        if directory is None:
            return None
        return StaticPods(directory, self.settings.node_name, clock=self._clock, changed=self.workers.changed)

    def _make_eviction(self) -> Eviction:
        settings, mounted = self.settings, self._tools.volumes.mounted
        manner = Manner(
            calm=timedelta(seconds=settings.eviction_pressure_transition_seconds),
            longest_grace=timedelta(seconds=settings.eviction_max_pod_grace_seconds),
            reclaim=self._images.remove_unused,
            announce=lambda what: self._node_warning("EvictionThresholdMet", f"Attempting to reclaim {what}"),
        )
        return Eviction(
            self._runtime, self.workers, clock=self._clock, read=self._marks.read, manner=manner,
            on_change=self._reporter.report_soon, consumption=Consumption(self._runtime, mounted, settings.logs_dir),
            storage=LocalStorageLimits(mounted, settings.logs_dir),
        )  # fmt: skip

    def _node_warning(self, reason: str, note: str) -> None:
        self._node_event("Warning", reason, note)

    def _node_event(self, kind: EventKind, reason: str, note: str) -> None:
        self._events.event(self._facts.object, kind, reason, note, resource=NODES)

    def _make_tools(self, tokens: TokenManager) -> Tools:
        settings = self.settings
        images = ImagePuller(
            self._runtime,
            clock=self._clock,
            credentials=node_logins(
                settings,
                self._configuration,
                clock=self._clock,
                tokens=tokens,
                client=self._client,
                announce=self._announce,
            ),
            parallel=1 if settings.serialize_image_pulls else settings.max_parallel_image_pulls,
        )
        plugins: list[VolumePlugin] = [
            ConfigurationVolumes(kind, objects=self._configuration, tokens=tokens, facts=self._pod_facts)
            for kind in KINDS
        ]
        drivers = self._extensions.csi_volumes
        claims = ClaimVolumes(ClaimReader(self._client), drivers, announce=self._announce)
        memory = EmptyDirVolumes(memory=lambda: quantity.parse(self._facts.allocatable.get("memory", "0")).value)
        plugins += [memory, HostPathVolumes(), claims, drivers]
        plugins.append(ImageVolumes(images, announce=self._announce))
        return Tools(
            settings=settings,
            client=self._client,
            runtime=self._runtime,
            clock=self._clock,
            events=self._events,
            volumes=VolumeManager(settings.pods_dir, plugins),
            images=images,
            configuration=self._configuration,
            tokens=tokens,
            node=self._facts,
            services=ServiceVariables(self._informers.of(SERVICES)),
            devices=self._extensions.devices,
            claims=self._extensions.claims,
            users=UserRanges(settings.pods_dir, length=settings.users_per_pod),
            counts=self._counts,
        )

    def _report_soon(self) -> None:
        self._reporter.report_soon()

    def _announce(self, pod: Object, kind: EventKind, reason: str, note: str) -> None:
        self._tools.pod_event(pod, kind, reason, note)

    def _pod_facts(self, pod: Object) -> PodFacts:
        """What downward API volumes show."""
        ips = [entry["ip"] for entry in (pod.get("status") or {}).get("podIPs") or ()]
        return PodFacts(ips, self._facts.host_ips, self._facts.allocatable)

    def _configuration_changed(self, pod_uid: str) -> None:
        self.workers.configuration_changed(pod_uid)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        reason = scheduling(self._facts.object, new)
        self._facts.object = new
        if reason:
            self._node_event("Normal", reason, f"Node {self.settings.node_name} status is now: {reason}")
        ranges = spec_of(new).get("podCIDRs") or []
        if ranges and (old is None or spec_of(old).get("podCIDRs") != ranges):
            task = asyncio.ensure_future(self._use_ranges(ranges))
            task.add_done_callback(_log_failure)

    async def _use_ranges(self, ranges: Sequence[str]) -> None:
        await self._runtime.update_pod_cidr(ranges)
        self._reporter.report_soon()

    async def _look(self) -> Self:
        """What the node is now."""
        machine = await asyncio.to_thread(capacity.look, self.settings.root_dir)
        whole = capacity.capacity(machine, max_pods=self.settings.max_pods)
        left = capacity.allocatable(whole, self.settings.system_reserved)
        devices = self._extensions.devices
        whole, left = {**whole, **devices.capacity()}, {**left, **devices.allocatable()}
        runtime = await self._runtime.version()
        self._facts.allocatable = left
        self._facts.memory_capacity = quantity.parse(whole["memory"]).value
        self._facts.runtime_name = runtime.name
        status = await self._runtime.status()
        self._facts.with_recursive_readonly = status.with_recursive_readonly
        if status.missing_isolation:
            _log.debug("isolation is incomplete: %s", "; ".join(status.missing_isolation))
        return Self(
            machine=machine,
            addresses=addresses.address_list(self._facts.host_ips, self.settings.node_name),
            capacity=whole,
            allocatable=left,
            runtime=runtime,
            runtime_status=status,
            images=await self._runtime.list_images(),
            port=self.port,
            pressures=self._eviction.pressures,
            volumes_in_use=self._extensions.volumes_in_use,
            is_shutting_down=self._shutdown.has_begun,
        )


def _make_directories(settings: NodeSettings) -> None:
    for path in (settings.root_dir, settings.pods_dir, settings.logs_dir):
        path.mkdir(parents=True, exist_ok=True, mode=0o711)


def _log_failure(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the runtime did not take the pod range: %s", error)
