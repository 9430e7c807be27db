"""`cloudk8s proxy`."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from cloudk8s.cli import output
from cloudk8s.cli.options import duration
from cloudk8s.errors import UserError


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
    conntrack_max_per_core: Annotated[
        int, typer.Option(min=0, help="Connections the host tracks for each core; 0 leaves its limit as it is.")
    ] = 32 * 1024,
    conntrack_min: Annotated[
        int, typer.Option(min=0, help="Connections the host tracks at least, however few cores it has.")
    ] = 128 * 1024,
    conntrack_tcp_timeout_established: Annotated[
        str, typer.Option(help="How long an idle TCP connection is tracked; 0s leaves it as it is.")
    ] = "24h",
    conntrack_tcp_timeout_close_wait: Annotated[
        str, typer.Option(help="How long a half-closed TCP connection is tracked; 0s leaves it as it is.")
    ] = "1h",
    conntrack_tcp_be_liberal: Annotated[
        bool, typer.Option("--conntrack-tcp-be-liberal", help="Let TCP segments outside of the window pass.")
    ] = False,
    conntrack_udp_timeout: Annotated[
        str, typer.Option(help="How long a UDP flow without answers is tracked; 0s leaves it as it is.")
    ] = "0s",
    conntrack_udp_timeout_stream: Annotated[
        str, typer.Option(help="How long a UDP flow with answers is tracked; 0s leaves it as it is.")
    ] = "0s",
) -> None:
    """Forward the Services of any Kubernetes cluster on this host until stopped; nothing is left then.

    Example: cloudk8s proxy --kubeconfig node.conf --cluster-cidr 10.244.0.0/16
    """
    from cloudk8s.controlplane.host.network_clients import run_proxy
    from cloudk8s.controlplane.loop import run
    from cloudk8s.kernel.addresses import outgoing_address
    from cloudk8s.network.proxy.assembly import ProxyOptions
    from cloudk8s.network.proxy.nftables.tracking import TrackingSettings

    if proxy_mode not in ("", "nftables", "userspace"):
        raise UserError(f"--proxy-mode {proxy_mode}: there are nftables and userspace")
    own = (outgoing_address(), "127.0.0.1")
    options = ProxyOptions(
        nodes=frozenset([(hostname_override or socket.gethostname()).lower()]),
        node_addresses=_parts(nodeport_addresses) or tuple(address for address in own if address),
        mode=proxy_mode,  # type: ignore[arg-type]
        table=table,
        families=("IPv4", "IPv6") if ipv6 else ("IPv4",),
        pod_ranges=_parts(cluster_cidr),
        health_port=healthz_port or None,
        health_addresses=("0.0.0.0",),
    )
    tracking = TrackingSettings(
        max_per_core=conntrack_max_per_core,
        min=conntrack_min,
        tcp_established=_timeout(conntrack_tcp_timeout_established, "--conntrack-tcp-timeout-established"),
        tcp_close_wait=_timeout(conntrack_tcp_timeout_close_wait, "--conntrack-tcp-timeout-close-wait"),
        tcp_be_liberal=conntrack_tcp_be_liberal,
        udp=_timeout(conntrack_udp_timeout, "--conntrack-udp-timeout"),
        udp_stream=_timeout(conntrack_udp_timeout_stream, "--conntrack-udp-timeout-stream"),
    )
    run(run_proxy(kubeconfig, options, has_policies=network_policies, report=output.step, tracking=tracking))


def _timeout(text: str, flag: str) -> timedelta:
    found = duration(text, flag)
    if found < timedelta(0):
        raise UserError(f"{flag}: {text} is less than nothing")
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
