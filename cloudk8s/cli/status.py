"""`cloudk8s status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import Name, Output
from cloudk8s.cli.output import Format
from cloudk8s.controlplane import directories


def status(
    name: Name = "default",
    format: Output = Format.TABLE,
    data_dir: Annotated[Path | None, typer.Option(help="The cluster's data directory.")] = None,
) -> None:
    """Show whether a cluster runs, and where.

    Example: cloudk8s status --name dev -o json
    """
    directory = data_dir or directories.data_dir(name)
    state = directories.read_state(directory)
    row = {
        "name": name,
        "status": "Running" if state else ("Stopped" if directory.exists() else "Absent"),
        "server": state.url if state else "",
        "kubeconfig": state.kubeconfig if state else "",
        "pid": state.pid if state else None,
        "started": state.started if state else "",
        "limits": state.limits if state else "",
    }
    columns = {"NAME": "name", "STATUS": "status", "SERVER": "server", "KUBECONFIG": "kubeconfig", "PID": "pid"}
    output.show(row, format, columns | {"STARTED": "started"})
    if state and state.limits and format is Format.TABLE:
        output.note(f"pods of this host do without: {state.limits}")
    if state is None:
        raise typer.Exit(1)
