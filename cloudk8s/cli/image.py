"""`cloudk8s image`: images of a cluster's nodes on this host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import Name, Output
from cloudk8s.cli.output import Format
from cloudk8s.errors import UserError

if TYPE_CHECKING:
    from cloudk8s.node.runtimes.host.images.store import ImageStore

image = typer.Typer(no_args_is_help=True, help="Load and list the images of a cluster's nodes.")

DataDir = Annotated[Path | None, typer.Option(help="Where the cluster keeps its files.")]


@image.command()
def load(
    archive: Annotated[Path, typer.Argument(help="An archive of docker save or an OCI layout, a tar or a directory.")],
    name: Name = "default",
    data_dir: DataDir = None,
) -> None:
    """Load images into all nodes of a cluster on this host, so that nothing has to be pulled.

    Example: docker save app:1 -o app.tar && cloudk8s image load app.tar
    """
    from cloudk8s.node.runtimes.host.images import archive as archives

    if not archive.exists():
        raise UserError(f"{archive}: no such file or directory")
    for node, store in _stores(name, data_dir).items():
        for loaded in archives.load(store, archive):
            output.step(f"node {node}: {', '.join(loaded.tags) or loaded.id}")


@image.command(name="list")
def list_images(name: Name = "default", data_dir: DataDir = None, format: Output = Format.TABLE) -> None:
    """List the images of a cluster's nodes on this host.

    Example: cloudk8s image list --output json
    """
    rows: list[dict[str, Any]] = []
    for node, store in _stores(name, data_dir).items():
        rows += [{"node": node, "tags": list(each.tags), "id": each.id, "size": each.size} for each in store.all()]
    output.show(rows, format, {"NODE": "node", "IMAGE": "tags", "ID": "id", "SIZE": "size"})


def _stores(name: str, data_dir: Path | None) -> dict[str, ImageStore]:
    from cloudk8s.controlplane import directories
    from cloudk8s.node.runtimes.host.images.store import open_store

    nodes = (data_dir or directories.data_dir(name)) / "nodes"
    found = sorted(path for path in nodes.glob("*") if path.is_dir()) if nodes.exists() else []
    if not found:
        raise UserError(f'cluster "{name}" has no nodes on this host; start one with: cloudk8s up --name {name}')
    return {path.name: open_store(path / "runtime" / "host" / "images") for path in found}
