"""`cloudk8s list`."""

from __future__ import annotations

from cloudk8s.cli import output
from cloudk8s.cli.options import Output
from cloudk8s.cli.output import Format
from cloudk8s.controlplane import directories


def list_clusters(format: Output = Format.TABLE) -> None:
    """List the clusters of this host, running or not.

    Example: cloudk8s list
    """
    rows = [
        {
            "name": name,
            "status": "Running" if state else "Stopped",
            "version": state.kubernetes_version if state else "",
            "server": state.url if state else "",
            "dataDir": str(directory),
        }
        for name, directory, state in directories.clusters()
    ]
    columns = {"NAME": "name", "STATUS": "status", "VERSION": "version", "SERVER": "server", "DATA-DIR": "dataDir"}
    output.show(rows, format, columns)
