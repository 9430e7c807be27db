"""A whole cluster on this host: what runs, in which order it starts, and that it stops in the reverse one."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Final

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.objects import annotations_of
from cloudk8s.client.resources import NODES
from cloudk8s.controlplane import directories
from cloudk8s.controlplane.api_server import ApiServerOptions, RunningApiServer, running_api_server
from cloudk8s.controlplane.cluster_options import ClusterOptions
from cloudk8s.controlplane.directories import ClusterState
from cloudk8s.controlplane.host.node_names import node_name
from cloudk8s.controlplane.host.ranges import with_ranges
from cloudk8s.controlplane.loop import settle
from cloudk8s.controlplane.readiness import late_nodes
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.controlplane.simulated import simulated_names
from cloudk8s.errors import NotFound
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.times import format_time
from cloudk8s.settings import ClusterSettings

_log = logging.getLogger(__name__)
_NODE_SECONDS: Final = 30.0
"""How long `up` waits for its nodes before it says that they are late."""


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
        state = _state(settings, server, target, clock, limits)
        directories.write_state(replace(state, stop_seconds=options.agents.stop_seconds))
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
        if options.nodes and options.agents.runtime == "host":
            from cloudk8s.controlplane.host.rootless import started_host

            within, why = await asyncio.to_thread(started_host, settings)
            if why:
                _log.warning("pods share this host's network and resolver: %s", why)
        options_of_server = ApiServerOptions(pod_sockets=partial(within.socket, "tcp") if within else None)
        if within:
            settings = replace(settings, advertise_address=within.gateway)
            from cloudk8s.network.rootless.uplink import running_uplink

            uplink = await stack.enter_async_context(running_uplink(within, clock=clock))
        server = await stack.enter_async_context(running_api_server(settings, options_of_server, clock=clock))
        if within:
            uplink.offer(server.port, "127.0.0.1" if settings.bind in ("0.0.0.0", "::") else settings.bind)
        components = await asyncio.to_thread(import_module, "cloudk8s.controlplane.components")
        await stack.enter_async_context(components.running_components(server, settings, options, within, clock=clock))
        yield server


async def _late_nodes(server: RunningApiServer, options: ClusterOptions, clock: Clock) -> Sequence[str]:
    """Nodes that are not ready in time; of the simulated ones, the last stands for all."""
    names = [node_name(index) for index in range(options.nodes)]
    names += simulated_names(options.simulation.count)[-1:] if options.simulation.count else []
    client = server.client("cloudk8s-up", "system:masters")
    return await late_nodes(client, names, clock=clock, patience=_NODE_SECONDS)


async def _limits(server: RunningApiServer, nodes: int) -> str:
    """What the agents of this host's nodes found missing; they are alike."""
    if not nodes:
        return ""
    from cloudk8s.node.machine.node_object import ISOLATION_ANNOTATION

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
