"""Security-group rules as text atoms: one protocol, one range of ports, one source. Pure.

`tcp 80-80 from 10.0.0.0/8`, `icmp 3-4 from 0.0.0.0/0`, `-1 all from sg-1`. Atoms make differences simple: AWS groups
rules as it likes, and people add their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.plugin import LoadBalancerRequest

PATH_MTU = "icmp 3-4"


def frontend_rules(request: LoadBalancerRequest) -> list[str]:
    """Each port from each source range, and the message that a packet is too big."""
    rules = {
        f"{port.protocol.lower()} {port.port}-{port.port} from {source}"
        for port in request.ports
        for source in request.source_ranges
    }
    return sorted(rules | {f"{_mtu(source)} from {source}" for source in request.source_ranges})


def atoms(permissions: Iterable[Mapping[str, Any]]) -> list[str]:
    """AWS's grouped permissions as atoms."""
    found: set[str] = set()
    for permission in permissions:
        head = f"{permission['IpProtocol']} {_ports(permission)}"
        found |= {f"{head} from {entry['CidrIp']}" for entry in permission.get("IpRanges") or ()}
        found |= {f"{head} from {entry['CidrIpv6']}" for entry in permission.get("Ipv6Ranges") or ()}
        found |= {f"{head} from {entry['GroupId']}" for entry in permission.get("UserIdGroupPairs") or ()}
        found |= {f"{head} from {entry['PrefixListId']}" for entry in permission.get("PrefixListIds") or ()}
    return sorted(found)


def permissions(rules: Iterable[str], description: str = "") -> list[dict[str, Any]]:
    """Atoms as AWS's permissions, one each."""
    return [_permission(rule, description) for rule in sorted(rules)]


def difference(wanted: Sequence[str], present: Sequence[str]) -> tuple[list[str], list[str]]:
    """What to add and what to revoke."""
    return sorted(set(wanted) - set(present)), sorted(set(present) - set(wanted))


def _permission(rule: str, description: str) -> dict[str, Any]:
    head, _, source = rule.partition(" from ")
    protocol, _, ports = head.partition(" ")
    permission: dict[str, Any] = {"IpProtocol": protocol}
    if ports != "all":
        first, _, last = ports.partition("-")
        if ports.startswith("-"):
            first, last = "-1", "-1"
        permission |= {"FromPort": int(first), "ToPort": int(last)}
    note = {"Description": description} if description else {}
    if source.startswith("sg-"):
        return permission | {"UserIdGroupPairs": [{"GroupId": source, **note}]}
    if source.startswith("pl-"):
        return permission | {"PrefixListIds": [{"PrefixListId": source, **note}]}
    if ":" in source:
        return permission | {"Ipv6Ranges": [{"CidrIpv6": source, **note}]}
    return permission | {"IpRanges": [{"CidrIp": source, **note}]}


def _ports(permission: Mapping[str, Any]) -> str:
    if permission["IpProtocol"] == "-1" or permission.get("FromPort") is None:
        return "all"
    return f"{permission['FromPort']}-{permission['ToPort']}"


def _mtu(source: str) -> str:
    return "icmpv6 2-0" if ":" in source else PATH_MTU
