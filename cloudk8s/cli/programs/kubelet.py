"""The node agent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloudk8s.cli import output
from cloudk8s.node.settings import NodeSettings


@dataclass(frozen=True, slots=True)
class Options:
    """The agent's settings, and what is around it."""

    settings: NodeSettings
    kubeconfig: Path
    bootstrap_kubeconfig: Path | None
    runtime: str
    runtime_endpoint: str
    stops_with_input: bool


def run(options: Options) -> None:
    """Run the pods of one node until stopped."""
    import asyncio

    from cloudk8s.controlplane.host.agent import run_agent
    from cloudk8s.kernel.memory import share_memory_of_threads

    share_memory_of_threads()
    agent = run_agent(
        options.settings, options.kubeconfig, options.bootstrap_kubeconfig, runtime=options.runtime,
        runtime_endpoint=options.runtime_endpoint, stops_with_input=options.stops_with_input, report=output.step,
    )  # fmt: skip
    asyncio.run(agent)
