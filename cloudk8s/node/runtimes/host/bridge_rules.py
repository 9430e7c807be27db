"""The nftables rules of a node's bridge: masquerade what leaves the pod network, lead host ports to pods. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_address
from typing import Any

from cloudk8s.node.runtimes.host.addresses import Network

_ANYWHERE = ("", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class HostPort:
    """One port of the host that leads to one of a pod."""

    host_ip: str
    host_port: int
    protocol: str
    pod_ip: str
    pod_port: int


def rules(
    table: str,
    bridge: str,
    networks: Sequence[Network],
    ports: Sequence[HostPort],
    cluster: Sequence[Network] = (),
) -> str:
    """A script that replaces the node's table in one transaction; `cluster` holds the ranges of all nodes' pods."""
    lines = [f"table inet {table}", f"delete table inet {table}", f"table inet {table} {{"]
    lines += _maps(ports)
    if ports:
        lines += _dnat_chain("prerouting", "dstnat") + _dnat_chain("output", "-100")
    lines += ["  chain postrouting {", "    type nat hook postrouting priority srcnat; policy accept;"]
    lines += [f"    {line}" for network in networks for line in _masquerade(network, bridge, ports, cluster)]
    return "\n".join([*lines, "  }", "}", ""])


def _masquerade(
    network: Network, bridge: str, ports: Sequence[HostPort], cluster: Sequence[Network]
) -> list[str]:  # fmt: skip
    """What leaves the pods of the cluster, comes from localhost, or a pod sends to itself by a port of the host."""
    family, loopback = ("ip", "127.0.0.0/8") if network.version == 4 else ("ip6", "::1")
    inside = ", ".join(str(each) for each in collapse_addresses([network, *_of_version(cluster, network.version)]))
    leaves = f'{family} saddr {network} oifname != "{bridge}" {family} daddr != {{ {inside} }} fib daddr type != local'
    own = sorted({port.pod_ip for port in ports if ip_address(port.pod_ip).version == network.version})
    pairs = ", ".join(f"{ip} . {ip}" for ip in own)
    return [
        f"{leaves} masquerade",
        f'{family} saddr {loopback} oifname "{bridge}" masquerade',
        *([f"ct status dnat {family} saddr . {family} daddr {{ {pairs} }} masquerade"] if own else ()),
    ]


def _of_version(networks: Sequence[Network], version: int) -> list[Any]:
    return [network for network in networks if network.version == version]


def _maps(ports: Sequence[HostPort]) -> list[str]:
    lines: list[str] = []
    for version, kind in ((4, "ipv4_addr"), (6, "ipv6_addr")):
        mine = [port for port in ports if ip_address(port.pod_ip).version == version]
        general = [port for port in mine if port.host_ip in _ANYWHERE]
        others = [port for port in mine if port not in general]
        special = [port for port in others if ip_address(port.host_ip).version == version]
        lines += _map(f"ports{version}", f"inet_proto . inet_service : {kind} . inet_service", general, "")
        lines += _map(f"at{version}", f"{kind} . inet_proto . inet_service : {kind} . inet_service", special, "address")
    return lines


def _map(name: str, kind: str, ports: Sequence[HostPort], keyed_by: str) -> list[str]:
    elements = []
    for port in ports:
        key = f"{port.protocol.lower()} . {port.host_port}"
        key = f"{port.host_ip} . {key}" if keyed_by else key
        elements.append(f"{key} : {port.pod_ip} . {port.pod_port}")
    body = [f"    elements = {{ {', '.join(sorted(set(elements)))} }}"] if elements else []
    return [f"  map {name} {{", f"    type {kind}", *body, "  }"]


def _dnat_chain(hook: str, priority: str) -> list[str]:
    """The port of one address first, that of any address of this host then."""
    return [
        f"  chain {hook} {{",
        f"    type nat hook {hook} priority {priority}; policy accept;",
        "    fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @at4",
        "    fib daddr type local dnat ip to meta l4proto . th dport map @ports4",
        "    fib daddr type local dnat ip6 to ip6 daddr . meta l4proto . th dport map @at6",
        "    fib daddr type local dnat ip6 to meta l4proto . th dport map @ports6",
        "  }",
    ]
