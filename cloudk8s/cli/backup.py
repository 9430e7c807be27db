"""`cloudk8s backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import Name, Output
from cloudk8s.cli.output import Format
from cloudk8s.controlplane import directories

COLUMNS = {"PATH": "path", "OBJECTS": "objects", "REVISION": "revision", "BYTES": "bytes"}


def backup(
    file: Annotated[Path, typer.Argument(help="The backup to write; it must not exist.")],
    name: Name = "default",
    data_dir: Annotated[Path | None, typer.Option(help="The cluster's data directory.")] = None,
    format: Output = Format.TABLE,
) -> None:
    """Write one consistent, checked copy of a cluster's store; the cluster may be running.

    Certificates and keys are not in it; they are in the data directory.

    Example: cloudk8s backup --name dev dev-monday.db
    """
    from cloudk8s.storage.backup import back_up

    copy = back_up((data_dir or directories.data_dir(name)) / "store.db", file)
    row = {"path": str(copy.path), "objects": copy.records, "revision": copy.revision, "bytes": copy.size}
    output.show(row, format, COLUMNS)
