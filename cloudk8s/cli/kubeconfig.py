"""`cloudk8s kubeconfig`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.apiserver import kubeconfig as files
from cloudk8s.cli import output
from cloudk8s.cli.options import Name
from cloudk8s.controlplane import directories
from cloudk8s.errors import UserError


def kubeconfig(
    name: Name = "default",
    merge: Annotated[bool, typer.Option("--merge", help="Merge into the kubeconfig that kubectl uses.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="The cluster's data directory.")] = None,
) -> None:
    """Print a cluster's administrator kubeconfig, or merge it into yours.

    Example: cloudk8s kubeconfig --name dev > dev.conf
    """
    directory = data_dir or directories.data_dir(name)
    path = directory / "admin.conf"
    if not path.exists():
        raise UserError(f'there is no cluster "{name}" at {directory}; start one with: cloudk8s up --name {name}')
    if not merge:
        output.say(path.read_text().rstrip())
        return
    target = files.default_path()
    files.merge(target, files.read_access(path))
    output.step(f'context "{files.context_name(name)}" is in {target}')
