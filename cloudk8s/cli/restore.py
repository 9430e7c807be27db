"""`cloudk8s restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.backup import COLUMNS
from cloudk8s.cli.options import Name, Output
from cloudk8s.cli.output import Format
from cloudk8s.controlplane import directories


def restore(
    file: Annotated[Path, typer.Argument(help="The backup to restore.")],
    name: Name = "default",
    data_dir: Annotated[Path | None, typer.Option(help="The cluster's data directory.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a store that is there, and keep it aside.")
    ] = False,
    format: Output = Format.TABLE,
) -> None:
    """Make a stopped cluster's store what a backup holds.

    Example: cloudk8s down --name dev && cloudk8s restore --name dev --replace dev-monday.db
    """
    from cloudk8s.storage import backup

    directory = data_dir or directories.data_dir(name)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    restored = backup.restore(file, directory / "store.db", replace=replace)
    row = {"path": str(restored.path), "objects": restored.records, "revision": restored.revision}
    output.show({**row, "bytes": restored.size}, format, COLUMNS)
