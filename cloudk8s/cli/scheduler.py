"""`cloudk8s scheduler`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output


def scheduler(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")
    ] = None,
    leader_elect: Annotated[
        bool, typer.Option("--leader-elect/--no-leader-elect", help="Work only while holding the lease.")
    ] = True,
) -> None:
    """Assign pods to nodes, in any Kubernetes cluster, until it is stopped.

    Example: cloudk8s scheduler --kubeconfig admin.conf
    """
    from cloudk8s.controlplane.scheduler import run_scheduler

    asyncio.run(run_scheduler(kubeconfig, leader_elect=leader_elect, report=output.step))
