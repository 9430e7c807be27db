"""A worker: finds the cluster it was made for, gets a certificate, and runs pods, Services and policies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from cloudk8s.apiserver import kubeconfig
from cloudk8s.apiserver.kubeconfig import Access
from cloudk8s.apiserver.pki import private_file
from cloudk8s.client.informer import Informers
from cloudk8s.client.network import NetworkClient
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.host.network import running_policies
from cloudk8s.controlplane.host.runtimes import plugged_in_runtimes
from cloudk8s.controlplane.machine import discovery
from cloudk8s.controlplane.machine.identity import machine_name
from cloudk8s.controlplane.machine.node import agent_directory, node_settings, proxy_options
from cloudk8s.controlplane.machine.seed import machine_token
from cloudk8s.controlplane.machine.settings import JoinConfiguration, WorkerSettings
from cloudk8s.controlplane.signals import run_until_stopped
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.network.neighbours import KernelRoutes, Neighbours
from cloudk8s.network.proxy.assembly import running_proxy
from cloudk8s.node.agent import NodeAgent
from cloudk8s.node.cluster.joining import node_client
from cloudk8s.node.runtimes.catalog import make_runtime

CONFIGURATION: Final = "join.json"
BOOTSTRAP: Final = "bootstrap.conf"
_RETRY_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


async def run_worker(settings: WorkerSettings, directory: Path, *, report: Callable[[str], None]) -> None:
    """Join, and work until SIGINT or SIGTERM. Whatever is in the way of joining is tried again."""
    await run_until_stopped(_work(settings, directory, SystemClock(), report), name="worker")


async def _work(settings: WorkerSettings, directory: Path, clock: Clock, report: Callable[[str], None]) -> None:
    name = await asyncio.to_thread(machine_name, settings.names)
    while True:
        try:
            cluster = await _prepared(settings, name, directory, clock)
            await _run(cluster, name, directory, clock, report)
        except (CloudK8sError, OSError) as error:
            report(f"not joined yet: {error}")
            await clock.sleep(_RETRY_SECONDS)


async def _prepared(settings: WorkerSettings, name: str, directory: Path, clock: Clock) -> JoinConfiguration:
    """What the API said about this cluster: asked for once, then kept."""
    path = directory / CONFIGURATION
    if path.exists():
        return JoinConfiguration.model_validate_json(await asyncio.to_thread(path.read_bytes))
    token = machine_token(settings.secret, name)
    connection = await discovery.discover(settings.endpoint, token, settings.pin, clock=clock)
    client = NetworkClient(connection, clock=clock)
    try:
        cluster = await discovery.ask_configuration(client, settings.group)
    finally:
        await client.close()
    kubeconfig.write(directory / BOOTSTRAP, Access(settings.cluster, connection.server, connection.ca, token=token))
    private_file.write(directory / "ca.crt", connection.ca)
    private_file.write(path, cluster.model_dump_json().encode())
    return cluster


async def _run(
    cluster: JoinConfiguration, name: str, directory: Path, clock: Clock, report: Callable[[str], None]
) -> None:
    settings = node_settings(cluster, name, directory, directory / "ca.crt")
    own = agent_directory(directory, name)
    access, bootstrap = directory / "kubelet.conf", directory / BOOTSTRAP
    runtime = make_runtime(
        cluster.node.runtime, own / "runtime", node_name=name, clock=clock, cluster_cidrs=[cluster.pod_cidr],
        others=plugged_in_runtimes,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            node_client(access, bootstrap, node_name=name, directory=own / "pki", clock=clock)
        )
        report(f"{name} has joined {cluster.cluster}")
        informers = await stack.enter_async_context(Informers(client, clock=clock))
        agent = NodeAgent(settings, client, runtime, clock)
        await stack.enter_async_context(background(agent.run(), names=("node agent",)))
        await agent.is_running.wait()
        options = proxy_options(cluster, name)
        await stack.enter_async_context(running_proxy(informers, options, clock=clock))
        await stack.enter_async_context(running_policies(options, informers, clock=clock))
        if cluster.routes == "machines":
            routes = Neighbours(informers, KernelRoutes(), own=name, clock=clock)
            await stack.enter_async_context(background(routes.run(), names=("routes",)))
        report(f"{name} runs")
        await asyncio.Event().wait()
