"""`cloudk8s simulated-nodes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output


def simulated_nodes(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many nodes pretend.", min=1)] = 3,
    stages: Annotated[str, typer.Option(help="What pods and nodes do: a file, slow, or chaos.")] = "",
    seed: Annotated[int, typer.Option(help="Decides all that is left to chance.")] = 0,
    for_cloud: Annotated[
        bool, typer.Option("--for-cloud", help="Let a cloud controller initialise the nodes, with its taint till then.")
    ] = False,
) -> None:
    """Add nodes that only pretend to run pods to any Kubernetes cluster, until it is stopped.

    Example: cloudk8s simulated-nodes --kubeconfig admin.conf --count 100
    """
    from cloudk8s.controlplane.loop import run
    from cloudk8s.controlplane.simulated import Simulation, run_simulated_nodes

    simulation = Simulation(count, stages, seed)
    run(run_simulated_nodes(kubeconfig, simulation, have_cloud=for_cloud, report=output.step))
