"""`cloudk8s scheduler`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output


def scheduler(
    kubeconfig: Annotated[Path | None, typer.Option(help="The cluster, and who to be in it.")] = None,
    config: Annotated[Path | None, typer.Option(help="A KubeSchedulerConfiguration: profiles, plugins.")] = None,
    leader_elect: Annotated[
        bool | None, typer.Option("--leader-elect/--no-leader-elect", help="Work only while holding the lease.")
    ] = None,
) -> None:
    """Assign pods to nodes, in any Kubernetes cluster, until it is stopped.

    Example: cloudk8s scheduler --kubeconfig admin.conf --config scheduler.yaml
    """
    from cloudk8s.controlplane.loop import run
    from cloudk8s.controlplane.scheduler import SchedulerOptions, run_scheduler

    options = SchedulerOptions(kubeconfig=kubeconfig, config=config, leader_elect=leader_elect)
    run(run_scheduler(options, report=output.step))
