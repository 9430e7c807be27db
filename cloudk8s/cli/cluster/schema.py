"""`cloudk8s cluster schema`."""

from __future__ import annotations

from cloudk8s.cli import output
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format


def schema(format: Output = Format.JSON) -> None:
    """Print the JSON Schema of cluster files, for editors and checks.

    Example: cloudk8s cluster schema > cluster.schema.json
    """
    from cloudk8s.provisioning.declaration.schema import cluster_schema

    output.show(cluster_schema(), Format.JSON if format is Format.TABLE else format)
