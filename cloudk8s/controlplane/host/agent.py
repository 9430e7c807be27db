"""The node agent as a process, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from cloudk8s.controlplane.host.runtimes import plugged_in_runtimes
from cloudk8s.controlplane.loop import settle
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.node.agent import NodeAgent
from cloudk8s.node.cluster.joining import node_client
from cloudk8s.node.runtimes.catalog import make_runtime
from cloudk8s.node.settings import NodeSettings


async def run_agent(
    settings: NodeSettings, kubeconfig: Path, bootstrap_kubeconfig: Path | None = None, *, runtime: str = "host",
    runtime_endpoint: str = "", stops_with_input: bool = False, report: Callable[[str], None],
) -> None:  # fmt: skip
    """Run the pods of one node until SIGINT or SIGTERM, or until the input ends where it is asked to."""
    clock, name, directory = SystemClock(), settings.node_name, settings.root_dir / "pki"
    cidrs = [part.strip() for part in settings.cluster_cidr.split(",") if part.strip()]
    made = make_runtime(
        runtime, settings.root_dir / "runtime", node_name=name, clock=clock, endpoint=runtime_endpoint,
        cluster_cidrs=cidrs, others=plugged_in_runtimes,
    )  # fmt: skip
    async with node_client(
        kubeconfig, bootstrap_kubeconfig, node_name=name, directory=directory, clock=clock
    ) as client:
        agent = NodeAgent(settings, client, made, clock)
        running = asyncio.create_task(agent.run(), name="node agent")
        ready = asyncio.create_task(_announce(agent, report), name="announcement")
        stopped = asyncio.create_task(until_stopped(with_input=stops_with_input), name="signals")
        try:
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            elif settings.shutdown_on_sigterm:
                await agent.shut_down()
        finally:
            for task in (running, ready, stopped):
                task.cancel()
            await asyncio.gather(running, ready, stopped, return_exceptions=True)


async def _announce(agent: NodeAgent, report: Callable[[str], None]) -> None:
    await agent.is_running.wait()
    report(f"node {agent.settings.node_name} runs; it listens on port {agent.port}")
    settle()
