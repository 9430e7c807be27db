"""One component in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from cloudk8s.apiserver import kubeconfig
from cloudk8s.controlplane.api_server import ApiServerOptions, running_api_server
from cloudk8s.controlplane.loop import settle
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.settings import ClusterSettings


async def run_api_server(
    settings: ClusterSettings, options: ApiServerOptions, *, kubeconfig_out: Path | None, report: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM."""
    stopped = asyncio.create_task(until_stopped(), name="signals")
    async with running_api_server(settings, options) as server:
        if kubeconfig_out is not None:
            kubeconfig.write(kubeconfig_out, server.access())
        settle()
        report(f"the API server is ready at {server.url}")
        await stopped
