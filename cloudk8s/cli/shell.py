"""`cloudk8s shell`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli.options import Name
from cloudk8s.controlplane import directories
from cloudk8s.errors import UserError


def shell(
    command: Annotated[list[str] | None, typer.Argument(help="What to run; your shell if nothing is said.")] = None,
    name: Name = "default",
    data_dir: Annotated[Path | None, typer.Option(help="The cluster's data directory.")] = None,
) -> None:
    """Run a command of this host where the cluster's Services and pods are reached, by address and by name.

    Example: cloudk8s shell -- curl http://web.default/
    """
    from cloudk8s.controlplane.host.inside import command_inside

    directory = (data_dir or directories.data_dir(name)).absolute()
    if directories.read_state(directory) is None:
        raise UserError(f'cluster "{name}" does not run; start it with: cloudk8s up --name {name}')
    words = command_inside(name, directory, command or [os.environ.get("SHELL", "/bin/sh")])
    os.execv(words[0], words)
