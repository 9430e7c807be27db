"""`cloudk8s proxy`."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import names_in
from cloudk8s.cli.setting_flags import with_flags
from cloudk8s.errors import UserError
from cloudk8s.network.proxy.nftables.tracking import FLAGS as TRACKING_FLAGS
from cloudk8s.network.proxy.nftables.tracking import TrackingSettings


@with_flags(TrackingSettings, TRACKING_FLAGS, parameter="tracking")
def proxy(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="The cluster and who to be; the usual places if empty.")
    ] = None,
    hostname_override: Annotated[str, typer.Option(help="The node's name; the host's name if empty.")] = "",
    proxy_mode: Annotated[str, typer.Option(help="nftables or userspace; the best that works here if empty.")] = "",
    cluster_cidr: Annotated[str, typer.Option(help="Ranges of pod addresses, comma-separated.")] = "",
    nodeport_addresses: Annotated[
        str, typer.Option(help="Where node ports are listened on in user space; the host's address if empty.")
    ] = "",
    healthz_port: Annotated[int, typer.Option(help="Port of /healthz; 0 serves none.")] = 10256,
    table: Annotated[str, typer.Option(help="Name of the nftables table.")] = "cloudk8s",
    network_policies: Annotated[
        bool, typer.Option("--network-policies/--no-network-policies", help="Also enforce NetworkPolicies.")
    ] = False,
    ipv6: Annotated[bool, typer.Option("--ipv6/--no-ipv6", help="Also forward IPv6.")] = False,
    tracking: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Forward the Services of any Kubernetes cluster on this host until stopped; nothing is left then.

    Example: cloudk8s proxy --kubeconfig node.conf --cluster-cidr 10.244.0.0/16
    """
    from cloudk8s.controlplane.host.network_clients import run_proxy
    from cloudk8s.controlplane.loop import run
    from cloudk8s.kernel.addresses import outgoing_address
    from cloudk8s.network.proxy.assembly import ProxyOptions

    if proxy_mode not in ("", "nftables", "userspace"):
        raise UserError(f"--proxy-mode {proxy_mode}: there are nftables and userspace")
    own = (outgoing_address(), "127.0.0.1")
    options = ProxyOptions(
        nodes=frozenset([(hostname_override or socket.gethostname()).lower()]),
        node_addresses=names_in(nodeport_addresses) or tuple(address for address in own if address),
        mode=proxy_mode,  # type: ignore[arg-type]
        table=table,
        families=("IPv4", "IPv6") if ipv6 else ("IPv4",),
        pod_ranges=names_in(cluster_cidr),
        health_port=healthz_port or None,
        health_addresses=("0.0.0.0",),
    )
    tracked = TrackingSettings(**tracking)
    run(run_proxy(kubeconfig, options, has_policies=network_policies, report=output.step, tracking=tracked))
