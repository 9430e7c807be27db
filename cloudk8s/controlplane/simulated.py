"""Simulated nodes in the API server's process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from cloudk8s.client.informer import Informers
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.errors import UserError
from cloudk8s.machinery.clock import Clock


@asynccontextmanager
async def running_simulated_nodes(
    server: RunningApiServer, informers: Informers, count: int, *, clock: Clock
) -> AsyncIterator[None]:
    """Run `count` simulated nodes, which share the informers of the process."""
    try:
        nodes = import_module("cloudk8s_simulated.nodes")
    except ModuleNotFoundError as error:
        raise UserError("simulated nodes need the simulated provider, which is not installed") from error
    client = server.client("system:simulated-nodes", "system:masters")
    version = f"v{server.settings.kubernetes_version}.0"
    fleet = nodes.Fleet(client, informers, nodes.FleetSettings(count=count, version=version), clock=clock)
    async with background(fleet.run(), names=("simulated nodes",)):
        yield
