"""`cloudk8s machine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output


def machine(
    dir: Annotated[Path, typer.Option(help="The machine's directory, with its machine.json.")] = Path(
        "/var/lib/cloudk8s"
    ),
) -> None:
    """Be a machine of a provisioned cluster until stopped: what the user data of `cloudk8s cluster` starts.

    Example: cloudk8s machine --dir /var/lib/cloudk8s
    """
    from cloudk8s.controlplane.loop import run
    from cloudk8s.controlplane.machine.settings import WorkerSettings, read

    directory = dir.absolute()
    settings = read(directory)
    if isinstance(settings, WorkerSettings):
        from cloudk8s.controlplane.machine.worker import run_worker

        run(run_worker(settings, directory, report=output.step))
    elif settings.store == "etcd":
        from cloudk8s.controlplane.machine.replicated import run_replicated

        run(run_replicated(settings, directory, report=output.step))
    else:
        from cloudk8s.controlplane.machine.control_plane import run_control_plane

        run(run_control_plane(settings, directory, report=output.step))
