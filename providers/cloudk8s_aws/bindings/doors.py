"""Rules in the security groups of nodes that let a binding's clients reach its targets.

They are known by their description, which names the binding: rules of people and of others are never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.plugin import CloudNotFound, NodeRef
from cloudk8s_aws.api import AwsApi, filters
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.load_balancers.rules import atoms, permissions

MARK = "elbv2.k8s.aws/targetGroupBinding="
KINDS = ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs")


class Doors:
    """Blocking and idempotent. `groups` finds the security groups of nodes, `vpc` the VPC."""

    def __init__(
        self, api: AwsApi, *, groups: Callable[[Sequence[NodeRef]], Iterable[str]], vpc: Callable[[], str]
    ) -> None:
        self._api, self._groups, self._vpc = api, groups, vpc

    def converge(self, uid: str, rules: Iterable[str], nodes: Sequence[NodeRef]) -> None:
        """Have these rules, and no others of this binding, in the groups of these nodes."""
        wanted, ours = set(rules), set(self._groups(nodes)) if nodes else set()
        within = filters(vpc_id=[self._vpc()])
        for group in self._api.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=within):
            present = set(_marked(group, uid))
            here = wanted if group["GroupId"] in ours else set()
            for rule in sorted(here - present):
                with suppress(Taken):  # somebody else lets them in
                    self._change("authorize_security_group_ingress", group["GroupId"], rule, uid)
            for rule in sorted(present - here):
                with suppress(CloudNotFound):
                    self._change("revoke_security_group_ingress", group["GroupId"], rule, uid)

    def _change(self, operation: str, group: str, rule: str, uid: str) -> None:
        self._api.call("ec2", operation, GroupId=group, IpPermissions=permissions([rule], MARK + uid))


def wanted_rules(binding: Object, targets: Iterable[str]) -> frozenset[str]:
    """What `spec.networking` asks for, as rules; a port that is not named is that of every target. Pure."""
    numbers = sorted({int(target.rpartition(":")[2]) for target in targets})
    found: set[str] = set()
    for entry in (spec_of(binding).get("networking") or {}).get("ingress") or ():
        ports: Sequence[Mapping[str, Any]] = entry.get("ports") or [{}]
        for port in ports:
            protocol = str(port.get("protocol") or "TCP").lower()
            chosen = [port["port"]] if isinstance(port.get("port"), int) else numbers
            sources = [source for peer in entry.get("from") or () if (source := _source(peer))]
            found |= {f"{protocol} {number}-{number} from {source}" for number in chosen for source in sources}
    return frozenset(found)


def _source(peer: Mapping[str, Any]) -> str:
    block, group = peer.get("ipBlock") or {}, peer.get("securityGroup") or {}
    return str(block.get("cidr") or group.get("groupID") or "")


def _marked(group: Mapping[str, Any], uid: str) -> list[str]:
    """The rules of a group that carry the binding's mark."""
    marked = []
    for permission in group.get("IpPermissions") or ():
        head = {name: permission[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in permission}
        ours = {kind: [e for e in permission.get(kind) or () if e.get("Description") == MARK + uid] for kind in KINDS}
        marked.append({**head, **ours})
    return atoms(marked)
