"""Everything that is a client of the API server: imported once that answers, so that it answers early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.registry import OF_API_SERVER
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.clouds import running_clouds
from cloudk8s.controlplane.cluster_options import ClusterOptions
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.controlplane.host.local_cloud import LOCAL, local_cloud
from cloudk8s.controlplane.host.network import running_dns_server, running_relay, running_service_proxy
from cloudk8s.controlplane.host.node import running_nodes
from cloudk8s.controlplane.host.places import make_hosts, places
from cloudk8s.controlplane.resource_metrics import running_resource_metrics
from cloudk8s.controlplane.scheduler import running_scheduler
from cloudk8s.controlplane.simulated import running_simulated_nodes, simulated_names
from cloudk8s.machinery.clock import Clock
from cloudk8s.plugin.clouds import CloudEntry, CloudsFile
from cloudk8s.settings import ClusterSettings

if TYPE_CHECKING:
    from cloudk8s.network.rootless.host import RootlessHost

_LOCAL_ROUTE_PERIOD: Final = timedelta(seconds=1)
"""This host's calls cost nothing, so that routes follow nodes at once; those of a remote cloud keep the usual pace."""


@asynccontextmanager
async def running_components(
    server: RunningApiServer,
    settings: ClusterSettings,
    options: ClusterOptions,
    within: RootlessHost | None,
    *,
    clock: Clock,
) -> AsyncIterator[None]:
    """Start controllers, scheduler, network, clouds and nodes; leave in reverse order."""
    async with AsyncExitStack() as stack:
        on_node, port = within.command if within else list, options.controller_manager_port
        controllers = running_controllers(server, ["*", *OF_API_SERVER], clock=clock, on_node=on_node, port=port)
        context = await stack.enter_async_context(controllers)
        config = options.scheduler_config
        port = options.scheduler_port
        scheduler = running_scheduler(server, context.informers, clock=clock, config=config, port=port)
        await stack.enter_async_context(scheduler)
        where = places(settings, options.nodes, within)
        await asyncio.to_thread(make_hosts, settings, where)
        await stack.enter_async_context(running_relay(server, clock=clock))
        await stack.enter_async_context(running_dns_server(server, context.informers, clock=clock, within=within))
        own = [place for place in where if not place.namespace]
        has_hosts = len(own) < len(where)
        forwarding = running_service_proxy(server, context.informers, own, clock=clock, balances=has_hosts)
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
        await stack.enter_async_context(running_nodes(server, where, options.agents))
        yield


def _clouds(settings: ClusterSettings, entries: tuple[CloudEntry, ...]) -> CloudsFile:
    ranges = tuple(part.strip() for part in settings.cluster_cidr.split(","))
    controllers = CloudControllerSettings(cluster=settings.name, cluster_cidrs=ranges)
    if all(entry.name == LOCAL for entry in entries):
        controllers = controllers.model_copy(update={"route_reconciliation_period": _LOCAL_ROUTE_PERIOD})
    return CloudsFile(clouds=entries, controllers=controllers)
