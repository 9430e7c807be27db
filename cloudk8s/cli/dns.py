"""`cloudk8s dns`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import names_in


def dns(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")
    ] = None,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, UDP and TCP; 0 picks a free one.")] = 53,
    cluster_domain: Annotated[str, typer.Option(help="DNS domain of the cluster.")] = "cluster.local",
    upstream: Annotated[str, typer.Option(help="Resolvers of other names; those of --resolv-conf if empty.")] = "",
    resolv_conf: Annotated[Path, typer.Option(help="The host's resolver configuration.")] = Path("/etc/resolv.conf"),
    clients: Annotated[str, typer.Option(help="Networks that may ask, comma-separated; all if empty.")] = "",
    cluster_ip: Annotated[str, typer.Option(help="Publish the server as Service kube-dns of this address.")] = "",
) -> None:
    """Answer the names of Services and pods of any Kubernetes cluster until stopped.

    Example: cloudk8s dns --kubeconfig admin.conf --port 5353
    """
    from cloudk8s.controlplane.host.network_clients import run_dns
    from cloudk8s.controlplane.loop import run
    from cloudk8s.network.dns.assembly import DnsOptions

    options = DnsOptions(
        address=address,
        port=port,
        domain=cluster_domain,
        resolv_conf=resolv_conf,
        upstream=names_in(upstream) or None,
        clients=names_in(clients),
    )
    run(run_dns(kubeconfig, options, cluster_ip=cluster_ip, report=output.step))
