"""Who may reach the machines of a cluster: the rules of its security group, as data. Pure.

A rule has one source: a range of addresses, or `self` for the group's own machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.plugin import NetworkRequest

SELF: Final = "self"
EVERYTHING: Final = "-1"
_NODE_PORTS: Final = (30000, 32767)
Rule = Mapping[str, Any]


def rules_of(request: NetworkRequest) -> list[Rule]:
    """Machines among each other, the API, what the declaration opens, and path MTU discovery."""
    port = request.api_port
    return [
        rule(EVERYTHING, SELF),
        *(rule("tcp", source, port, port) for source in request.api_source_ranges),
        *(rule("tcp", source, 22, 22) for source in request.ssh_source_ranges),
        *(rule("tcp", source, *_NODE_PORTS) for source in request.node_port_source_ranges),
        rule("icmp", "0.0.0.0/0", 3, 4),
    ]


def rule(protocol: str, source: str, first: int = -1, last: int = -1) -> Rule:
    """One rule; ports mean nothing where everything is let in."""
    if protocol == EVERYTHING:
        first = last = -1
    return {"protocol": protocol, "from": first, "to": last, "source": source}


def missing(wanted: Iterable[Rule], present: Sequence[Rule]) -> list[Rule]:
    """Rules that are wanted, and not there."""
    return [entry for entry in wanted if entry not in present]
