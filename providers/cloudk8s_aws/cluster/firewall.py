"""What may reach what: the rules of every security group, as data. Pure.

The shape is that of Cluster API's AWS provider, with path MTU discovery and VXLAN added, and node ports reachable from
inside only unless the declaration says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.cloud.stack.resource import Ref
from cloudk8s.plugin import NetworkRequest

MARK = "cloudk8s: "
"""Descriptions of our rules begin with it: rules that others added are never removed."""
LOAD_BALANCER, CONTROL_PLANE, NODE = "apiserver-lb", "controlplane", "node"
GROUPS: Mapping[str, str] = {
    LOAD_BALANCER: "the load balancer of the API",
    CONTROL_PLANE: "the control plane",
    NODE: "workers",
}
"""Security groups and what they are for; a machine is in one of them, so cloud controllers find exactly one."""

Rule = dict[str, Any]


def rules_of(request: NetworkRequest) -> Mapping[str, Sequence[Rule]]:
    """Rules by group; sources are ranges, or references to groups."""
    machines = (CONTROL_PLANE, NODE)
    world = request.api_source_ranges if request.api_scheme == "internet-facing" else ()
    inside = (*_ranges(request), *request.api_source_ranges) if request.api_scheme == "internal" else _ranges(request)
    return {
        LOAD_BALANCER: _unique(
            *(_rule("tcp", request.api_port, source, "API") for source in (*world, *inside)),
        ),
        CONTROL_PLANE: _unique(
            *(_rule("tcp", request.api_port, _group(name), "API") for name in (LOAD_BALANCER, *machines)),
            *(_rule("tcp", port, _group(CONTROL_PLANE), "etcd") for port in (2379, 2380)),
            *_between(machines),
            *_from_outside(request),
        ),
        NODE: _unique(
            *(
                _rule("tcp", 30000, source, "node ports", to=32767)
                for source in (request.node_port_source_ranges or _ranges(request))
            ),
            *_between(machines),
            *_from_outside(request),
        ),
    }


def _between(machines: Sequence[str]) -> list[Rule]:
    """What machines ask of each other: kubelet, pod network."""
    found = []
    for name in machines:
        source = _group(name)
        found += [
            _rule("tcp", 10250, source, "kubelet"),
            _rule("tcp", 179, source, "pod network, BGP"),
            _rule("udp", 4789, source, "pod network, VXLAN"),
            _rule("udp", 8472, source, "pod network, VXLAN of Linux"),
            _rule("4", -1, source, "pod network, IP in IP"),
        ]
    return found


def _from_outside(request: NetworkRequest) -> list[Rule]:
    ssh = [_rule("tcp", 22, source, "ssh") for source in request.ssh_source_ranges]
    return [_rule("icmp", 3, "0.0.0.0/0", "path MTU", to=4), *ssh]


def _ranges(request: NetworkRequest) -> tuple[str, ...]:
    return request.existing.cidrs if request.existing is not None else (request.cidr,)


def _group(name: str) -> Ref:
    return Ref(f"security-group/{name}")


def _rule(protocol: str, port: int, source: str | Ref, what: str, *, to: int | None = None) -> Rule:
    return {"protocol": protocol, "from": port, "to": port if to is None else to, "source": source, "what": MARK + what}


def _unique(*rules: Rule) -> list[Rule]:
    found: list[Rule] = []
    for rule in rules:
        if rule not in found:
            found.append(rule)
    return found
