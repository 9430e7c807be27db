"""The security group that AWS makes with a VPC and puts whatever names no other into: it lets nothing in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import filters, shown
from cloudk8s_aws.cluster.kind import Ec2, made
from cloudk8s_aws.cluster.reading import NAME_OF_DEFAULT, Raw, Reader

SIDES: Mapping[str, tuple[str, str]] = {
    "ingress": ("IpPermissions", "revoke_security_group_ingress"),
    "egress": ("IpPermissionsEgress", "revoke_security_group_egress"),
}
"""What AWS calls the rules of each side, and the call that takes them away."""
KEYS: Mapping[str, Sequence[str]] = {
    "IpRanges": ("CidrIp",), "Ipv6Ranges": ("CidrIpv6",), "PrefixListIds": ("PrefixListId",),
    "UserIdGroupPairs": ("GroupId", "UserId"),
}  # fmt: skip
"""What names a source of a rule; the rest of what AWS tells of it may not be said again."""


@dataclass(frozen=True, slots=True)
class DefaultGroupType:
    """`default-group`: has no rules, whoever made them. It comes and goes with the VPC."""

    ec2: Ec2
    name: str = "default-group"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"vpc"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        return [
            Observed(
                self.name, self.name, raw["GroupId"], owner,
                {"vpc": raw["VpcId"], **{side: _texts(raw.get(key) or ()) for side, (key, _) in SIDES.items()}},
                {side: _permissions(raw.get(key) or ()) for side, (key, _) in SIDES.items()}, within=raw["VpcId"],
            )
            for raw, owner in self.ec2.reader.default_groups(scope)
        ]  # fmt: skip

    def create(self, call: Create) -> Observed:
        vpc = call.properties["vpc"]
        wanted = filters(vpc_id=[vpc], group_name=[NAME_OF_DEFAULT])
        raw = shown(self.ec2.call("describe_security_groups", Filters=wanted)["SecurityGroups"], f"{vpc}'s group")
        for side, (key, _) in SIDES.items():
            self._revoke(raw["GroupId"], side, _permissions(raw.get(key) or ()))
        return made(call, self.name, raw["GroupId"], within=vpc)

    def update(self, call: Update) -> Observed:
        for side in SIDES:
            if side in call.changed:
                self._revoke(call.observed.id, side, call.observed.attributes[side])
        return replace(call.observed, properties=dict(call.properties), attributes={})

    def delete(self, observed: Observed) -> None:
        """Nothing: AWS lets nobody delete it, and it goes with the VPC."""

    def _revoke(self, group: str, side: str, permissions: Sequence[Raw]) -> None:
        if permissions:
            try:
                self.ec2.call(SIDES[side][1], GroupId=group, IpPermissions=list(permissions))
            except CloudNotFound:
                return  # an earlier attempt did it


def revocations(sides: Sequence[str]) -> list[str]:
    """The calls by which rules of these sides go."""
    return [f"RevokeSecurityGroup{side.title()}" for side in SIDES if side in sides]


def _permissions(found: Sequence[Raw]) -> list[dict[str, Any]]:
    """Rules as EC2 takes them back."""
    wanted = []
    for raw in found:
        entry = {key: raw[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in raw}
        for name, keys in KEYS.items():
            if raw.get(name):
                entry[name] = [{key: source[key] for key in keys if key in source} for source in raw[name]]
        wanted.append(entry)
    return wanted


def _texts(found: Sequence[Raw]) -> list[str]:
    """Rules as people read them, in a stable order."""
    return sorted(
        f"{_ports(raw)} {source[keys[0]]}"
        for raw in found
        for name, keys in KEYS.items()
        for source in raw.get(name) or ()
    )


def _ports(raw: Raw) -> str:
    if raw["IpProtocol"] == "-1":
        return "all"
    first, last = raw.get("FromPort", -1), raw.get("ToPort", -1)
    return f"{raw['IpProtocol']} {first}" if first == last else f"{raw['IpProtocol']} {first}-{last}"
