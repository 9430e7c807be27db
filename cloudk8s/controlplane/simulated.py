"""Simulated nodes in the API server's process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from cloudk8s.api.resource_metrics.usage import UsageSource
from cloudk8s.client.informer import Informers
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.errors import UserError
from cloudk8s.machinery.clock import Clock


@asynccontextmanager
async def running_simulated_nodes(
    server: RunningApiServer, informers: Informers, count: int, *, clock: Clock, have_cloud: bool
) -> AsyncIterator[UsageSource]:
    """Run `count` simulated nodes, which share the informers of the process; yields what knows what they use.

    Without a cloud, the nodes come as the simulated one would have initialised them.
    """
    nodes, client = _nodes(), server.client("system:simulated-nodes", "system:masters")
    version = f"v{server.settings.kubernetes_version}.0"
    settings = nodes.FleetSettings(count=count, version=version, is_initialized=not have_cloud)
    fleet = nodes.Fleet(client, informers, settings, clock=clock)
    async with background(fleet.run(), names=("simulated nodes",)):
        yield fleet.usage


def simulated_names(count: int) -> Sequence[str]:
    """The names that so many nodes will have."""
    names: Sequence[str] = _nodes().FleetSettings(count=count).names
    return names


def _nodes() -> Any:
    try:
        return import_module("cloudk8s_simulated.nodes")
    except ModuleNotFoundError as error:
        raise UserError("simulated nodes need the simulated provider, which is not installed") from error
