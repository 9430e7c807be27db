"""Simulated nodes: in the API server's process, or as clients of any API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cloudk8s.api.resource_metrics.usage import UsageSource
from cloudk8s.client.discovery import release_of
from cloudk8s.client.informer import Informers
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.signals import run_until_stopped
from cloudk8s.errors import UserError
from cloudk8s.machinery.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Simulation:
    """How many nodes pretend, and what."""

    count: int = 0
    stages: str = ""
    """A file of stages, or the name of a bundled one."""
    seed: int = 0


@asynccontextmanager
async def running_simulated_nodes(
    server: RunningApiServer, informers: Informers, simulation: Simulation, *, clock: Clock, have_cloud: bool
) -> AsyncIterator[UsageSource]:
    """Run simulated nodes, which share the informers of the process; yields what knows what they use.

    Without a cloud, the nodes come as the simulated one would have initialised them.
    """
    client = server.client("system:simulated-nodes", "system:masters")
    settings = await _settings(simulation, server.settings.kubernetes_version, have_cloud=have_cloud)
    fleet = _nodes().Fleet(client, informers, settings, clock=clock)
    async with background(fleet.run(), names=("simulated nodes",)):
        server.assembly.serve_custom_metrics(fleet.metrics)
        yield fleet.usage


async def run_simulated_nodes(
    kubeconfig: Path | None, simulation: Simulation, *, have_cloud: bool, report: Callable[[str], None]
) -> None:
    """Add simulated nodes to the cluster of a kubeconfig, until SIGINT or SIGTERM. The nodes stay, and are lost."""
    clock, connection = SystemClock(), load_connection(kubeconfig)
    client = NetworkClient(connection, settings=NetworkSettings(user_agent="kubelet"), clock=clock)

    async def live() -> None:
        settings = await _settings(simulation, await release_of(client), have_cloud=have_cloud)
        async with Informers(client, clock=clock) as informers:
            fleet = _nodes().Fleet(client, informers, settings, clock=clock)
            report(f"{simulation.count} simulated nodes register with {connection.server}")
            await fleet.run()

    try:
        await run_until_stopped(live(), name="simulated nodes")
    finally:
        await client.close()


def simulated_names(count: int) -> Sequence[str]:
    """The names that so many nodes will have."""
    names: Sequence[str] = _nodes().FleetSettings(count=count).names
    return names


def load_scenario(stages: str) -> Any:
    """What a file of stages says. Raises UserError."""
    package = _simulated("stages.loading")
    return package.load(stages) if stages else package.Scenario()


def simulated_cloud_settings(simulation: Simulation) -> Mapping[str, Any]:
    """How the scenario wants the simulated cloud to be, in the words of the provider's settings."""
    spec = load_scenario(simulation.stages).simulation
    told = {"ready_after" if name == "readyAfter" else name: value for name, value in spec.cloud}
    return {**told, "seed": simulation.seed if spec.seed is None else spec.seed}


async def _settings(simulation: Simulation, release: str, *, have_cloud: bool) -> Any:
    return _nodes().FleetSettings(
        count=simulation.count, version=f"v{release}.0", is_initialized=not have_cloud, seed=simulation.seed,
        scenario=await asyncio.to_thread(load_scenario, simulation.stages),
    )  # fmt: skip


def _nodes() -> Any:
    return _simulated("nodes")


def _simulated(name: str) -> Any:
    try:
        return import_module(f"cloudk8s_simulated.{name}")
    except ModuleNotFoundError as error:
        raise UserError("simulated nodes need the simulated provider, which is not installed") from error
