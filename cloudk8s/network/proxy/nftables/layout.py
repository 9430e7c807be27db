"""What every table has: hooks, maps, and the way of a packet through them.

A packet to a Service passes `services`, where one look-up finds the chain of its port; that chain picks a backend. What
must come back by this node is marked on the way and masqueraded when it leaves; what stays on this host comes back
anyway. Traffic that no chain took is looked at again after destination NAT, to be refused or dropped: what is for a
port that its Service lacks is refused; what would leave for an address of the Service ranges that no Service has is
dropped, for such a Service may just not be known yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudk8s.network.proxy.model import Family

CLUSTER_IPS: Final = "cluster-ips"
SERVICE_RANGES: Final = "service-cidrs"
HAIRPINS: Final = "hairpins"
SERVICES: Final = "service-ips"
NODE_PORTS: Final = "service-nodeports"
FIREWALL: Final = "firewall-ips"
REFUSED: Final = "no-endpoint-services"
REFUSED_NODE_PORTS: Final = "no-endpoint-nodeports"

MARK: Final = "mark-for-masquerade"
REJECT: Final = "reject-connection"
_BIT: Final = "0x4000"
"""The bit of the packet mark that asks for masquerading; upstream's, so that both respect each other."""
_OTHER_BITS: Final = "0xffffbfff"


def word(family: Family) -> str:
    """How nft calls the family, in front of tables and of addresses."""
    return "ip" if family == "IPv4" else "ip6"


def skeleton(
    table: str, family: Family, pod_ranges: Sequence[str], *, hides_pods: bool = False
) -> list[str]:  # fmt: skip
    """The lines that fill a new table with what does not depend on any rule."""
    ip = word(family)
    pod_ranges = [text for text in pod_ranges if (":" in text) == (family == "IPv6")]
    lines = [f"add {kind} {ip} {table} {name} {{ type {type}; }}" for kind, name, type in _containers(family)]
    lines += [f"add chain {ip} {table} {name}" for name in _plain(ip, pod_ranges)]
    hooked = _hooked(ip, pod_ranges if hides_pods else ())
    lines += [f"add chain {ip} {table} {name} {{ type {hook}; }}" for name, (hook, _) in hooked.items()]
    chains = _plain(ip, pod_ranges) | {name: rules for name, (_, rules) in hooked.items()}
    return lines + [f"add rule {ip} {table} {name} {rule}" for name, rules in chains.items() for rule in rules]


def _containers(family: Family) -> list[tuple[str, str, str]]:
    address = "ipv4_addr" if family == "IPv4" else "ipv6_addr"
    by_address = f"{address} . inet_proto . inet_service : verdict"
    by_port = "inet_proto . inet_service : verdict"
    return [
        ("set", CLUSTER_IPS, address),
        ("set", SERVICE_RANGES, f"{address}; flags interval"),
        ("set", HAIRPINS, f"{address} . {address}"),
        ("map", SERVICES, by_address),
        ("map", NODE_PORTS, by_port),
        ("map", FIREWALL, by_address),
        ("map", REFUSED, by_address),
        ("map", REFUSED_NODE_PORTS, by_port),
    ]


def _plain(ip: str, pod_ranges: Sequence[str]) -> dict[str, list[str]]:
    own = "127.0.0.0/8" if ip == "ip" else "::1"
    outside = f"{ip} saddr != {{ {', '.join(pod_ranges)} }} " if pod_ranges else ""
    return {
        MARK: [f"meta mark set meta mark or {_BIT}"],
        REJECT: ["reject"],
        "services": [
            f"{ip} daddr @{CLUSTER_IPS} {outside}jump {MARK}",
            f"{ip} daddr . meta l4proto . th dport vmap @{SERVICES}",
            f"fib daddr type local {ip} daddr != {own} meta l4proto . th dport vmap @{NODE_PORTS}",
        ],
        "unanswered": [
            "ct status dnat return",
            f"{ip} daddr . meta l4proto . th dport vmap @{REFUSED}",
            f"fib daddr type local meta l4proto . th dport vmap @{REFUSED_NODE_PORTS}",
            f"{ip} daddr @{CLUSTER_IPS} goto {REJECT}",
        ],
        "unallocated": ["ct status dnat return", f"{ip} daddr @{SERVICE_RANGES} drop"],
    }


def _hooked(ip: str, hidden: Sequence[str]) -> dict[str, tuple[str, list[str]]]:
    pods = f"{{ {', '.join(hidden)} }}"
    hide = [f"ct status dnat {ip} saddr {pods} {ip} daddr {pods} masquerade fully-random"] if hidden else []
    unanswered = ["ct state new jump unanswered"]
    leaving = [*unanswered, 'oifname != "lo" ct state new jump unallocated']
    firewall = [f"ct state new {ip} daddr . meta l4proto . th dport vmap @{FIREWALL}"]
    return {
        "firewall-prerouting": ("filter hook prerouting priority -110", firewall),
        "firewall-output": ("filter hook output priority -110", firewall),
        "nat-prerouting": ("nat hook prerouting priority -100", ["jump services"]),
        "nat-output": ("nat hook output priority -100", ["jump services"]),
        "filter-input": ("filter hook input priority -5", unanswered),
        "filter-forward": ("filter hook forward priority -5", leaving),
        "filter-output": ("filter hook output priority -90", leaving),
        "nat-postrouting": (
            "nat hook postrouting priority 100",
            [
                'oifname "lo" return',
                f"ct status dnat {ip} saddr . {ip} daddr @{HAIRPINS} masquerade fully-random",
                *hide,
                f"meta mark and {_BIT} == 0 return",
                f"meta mark set meta mark and {_OTHER_BITS}",
                "masquerade fully-random",
            ],
        ),
    }
