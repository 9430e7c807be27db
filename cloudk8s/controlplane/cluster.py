"""A whole cluster on this host: what runs, in which order it starts, and that it stops in the reverse one."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.objects import annotations_of
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.registry import OF_API_SERVER
from cloudk8s.controlplane import directories
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.controlplane.clouds import running_clouds
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.controlplane.directories import ClusterState
from cloudk8s.controlplane.local_cloud import LOCAL, local_cloud
from cloudk8s.controlplane.loop import settle
from cloudk8s.controlplane.network import running_dns_server, running_relay, running_service_proxy
from cloudk8s.controlplane.node import running_node
from cloudk8s.controlplane.node_names import node_name
from cloudk8s.controlplane.places import make_hosts, places
from cloudk8s.controlplane.ranges import with_ranges
from cloudk8s.controlplane.readiness import late_nodes
from cloudk8s.controlplane.resource_metrics import running_resource_metrics
from cloudk8s.controlplane.rootless import started_host
from cloudk8s.controlplane.scheduler import running_scheduler
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.controlplane.simulated import Simulation, running_simulated_nodes, simulated_names
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.times import format_time
from cloudk8s.network.rootless.uplink import running_uplink
from cloudk8s.node.machine.node_object import ISOLATION_ANNOTATION
from cloudk8s.plugin.clouds import CloudEntry, CloudsFile
from cloudk8s.settings import ClusterSettings

_log = logging.getLogger(__name__)
_NODE_SECONDS: Final = 30.0
"""How long `up` waits for its nodes before it says that they are late."""
_LOCAL_ROUTE_PERIOD: Final = timedelta(seconds=1)
"""This host's calls cost nothing, so that routes follow nodes at once; those of a remote cloud keep the usual pace."""


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What runs beside the API server."""

    nodes: int = 1
    simulation: Simulation = field(default_factory=Simulation)
    """The nodes that only pretend."""
    runtime: str = "host"
    clouds: tuple[CloudEntry, ...] = ()
    """The clouds whose controllers run."""
    offline: bool = False
    """The first cloud is an emulated account, in which simulated nodes get an instance each."""
    kubeconfig: Path | None = None
    scheduler_config: Path | None = None
    """A KubeSchedulerConfiguration."""


async def run_cluster(settings: ClusterSettings, options: ClusterOptions, *, report: Callable[[str], None]) -> None:
    """Run a cluster until SIGINT or SIGTERM, and tell other commands about it."""
    stopped = asyncio.create_task(until_stopped(), name="signals")
    clock, settings = SystemClock(), await asyncio.to_thread(with_ranges, settings)
    async with running_cluster(settings, options, clock=clock) as server:
        target = options.kubeconfig or kubeconfig.default_path()
        kubeconfig.write(settings.data_dir / "admin.conf", server.access())
        kubeconfig.merge(target, server.access())
        settle()
        waiting = asyncio.create_task(_late_nodes(server, options, clock), name="wait for nodes")
        await asyncio.wait({stopped, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            waiting.cancel()
            return
        for name in waiting.result():
            report(f"node {name} is not ready yet; its log is in {settings.data_dir / 'nodes' / name}")
        limits = await _limits(server, options.nodes)
        directories.write_state(_state(settings, server, target, clock, limits))
        try:
            report(f"Kubernetes {settings.kubernetes_version} is ready at {server.url}")
            report(f'kubectl uses context "{kubeconfig.context_name(settings.name)}" of {target}')
            await stopped
            report("stopping")
        finally:
            directories.clear_state(settings.data_dir)


@asynccontextmanager
async def running_cluster(
    settings: ClusterSettings, options: ClusterOptions, *, clock: Clock
) -> AsyncIterator[RunningApiServer]:
    """Start the API server, then everything that is a client of it; leave in reverse order."""
    async with AsyncExitStack() as stack:
        within = None
        if options.nodes and options.runtime == "host":
            within, why = await asyncio.to_thread(started_host, settings)
            if why:
                _log.warning("pods share this host's network and resolver: %s", why)
        if within:
            settings = settings.model_copy(update={"advertise_address": within.gateway})
            uplink = await stack.enter_async_context(running_uplink(within, clock=clock))
        server = await stack.enter_async_context(running_api_server(settings, clock=clock))
        if within:
            uplink.offer(server.port, "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind)
        context = await stack.enter_async_context(running_controllers(server, ["*", *OF_API_SERVER], clock=clock))
        config = options.scheduler_config
        scheduler = running_scheduler(server, context.informers, clock=clock, config=config)
        await stack.enter_async_context(scheduler)
        where = places(settings, options.nodes, within)
        await asyncio.to_thread(make_hosts, settings, where)
        await stack.enter_async_context(running_relay(server, clock=clock))
        await stack.enter_async_context(running_dns_server(server, context.informers, clock=clock, within=within))
        own = [place for place in where if not place.namespace]
        forwarding = running_service_proxy(server, context.informers, own, clock=clock)
        proxy = await stack.enter_async_context(forwarding)
        for place in where:
            if place.namespace:
                apart = running_service_proxy(server, context.informers, [place], clock=clock)
                await stack.enter_async_context(apart)
        count = options.simulation.count
        offline = simulated_names(count) if options.offline and options.clouds and count else ()
        local = local_cloud(server.settings, where, proxy.health_port)
        others = tuple(entry for entry in options.clouds if entry.name != local.name)
        clouds = _clouds(server.settings, (*others, local))
        await stack.enter_async_context(running_clouds(server, context, clouds, offline_nodes=offline))
        sources = []
        if count or options.simulation.stages:
            have_cloud = bool(options.clouds)
            nodes = running_simulated_nodes(
                server, context.informers, options.simulation, clock=clock, have_cloud=have_cloud
            )
            sources.append(await stack.enter_async_context(nodes))
        await stack.enter_async_context(running_resource_metrics(server, context.informers, sources, clock=clock))
        for index, place in enumerate(where):
            await stack.enter_async_context(running_node(server, index, place, runtime=options.runtime))
        yield server


async def _late_nodes(server: RunningApiServer, options: ClusterOptions, clock: Clock) -> Sequence[str]:
    """Nodes that are not ready in time; of the simulated ones, the last stands for all."""
    names = [node_name(index) for index in range(options.nodes)]
    names += simulated_names(options.simulation.count)[-1:] if options.simulation.count else []
    client = server.client("cloudk8s-up", "system:masters")
    return await late_nodes(client, names, clock=clock, patience=_NODE_SECONDS)


def _clouds(settings: ClusterSettings, entries: tuple[CloudEntry, ...]) -> CloudsFile:
    ranges = tuple(part.strip() for part in settings.cluster_cidr.split(","))
    controllers = CloudControllerSettings(cluster=settings.name, cluster_cidrs=ranges)
    if all(entry.name == LOCAL for entry in entries):
        controllers = controllers.model_copy(update={"route_reconciliation_period": _LOCAL_ROUTE_PERIOD})
    return CloudsFile(clouds=entries, controllers=controllers)


async def _limits(server: RunningApiServer, nodes: int) -> str:
    """What the agents of this host's nodes found missing; they are alike."""
    if not nodes:
        return ""
    client = server.client("cloudk8s-up", "system:masters")
    try:
        node = await client.get(NODES, node_name(0))
    except NotFound:
        return ""
    return annotations_of(node).get(ISOLATION_ANNOTATION, "")


def _state(
    settings: ClusterSettings, server: RunningApiServer, target: Path, clock: Clock, limits: str
) -> ClusterState:
    return ClusterState(
        name=settings.name,
        pid=os.getpid(),
        url=server.url,
        kubeconfig=str(target),
        kubernetes_version=settings.kubernetes_version,
        data_dir=str(settings.data_dir),
        started=format_time(clock.now()),
        limits=limits,
    )
