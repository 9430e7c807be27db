"""The VPC, which stands for the cluster and carries its record, and its DNS names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import tag_list, tags_of
from cloudk8s_aws.cluster.blockers import explained
from cloudk8s_aws.cluster.kind import Ec2, made, observed, part, specification
from cloudk8s_aws.cluster.known import KnownVpc
from cloudk8s_aws.cluster.reading import Reader

RECORD = "cloudk8s.io/declared-"


def record_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of a resource's tags that hold the cluster's record."""
    return {key: value for key, value in tags.items() if key.startswith(RECORD)}


def keep_record(ec2: Ec2, call: Update) -> Observed:
    """Bring the record on a resource up to date."""
    wanted, present = call.properties["record"], call.observed.properties.get("record", {})
    ec2.call("create_tags", Resources=[call.observed.id], Tags=tag_list(wanted))
    if surplus := present.keys() - wanted.keys():
        ec2.call("delete_tags", Resources=[call.observed.id], Tags=[{"Key": key} for key in sorted(surplus)])
    return replace(call.observed, properties={**call.observed.properties, "record": dict(wanted)})


@dataclass(frozen=True, slots=True)
class VpcType:
    """`vpc`: its range can't change; its record can."""

    ec2: Ec2
    known: KnownVpc
    name: str = "vpc"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"cidr"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        entries = self.ec2.reader.entries(self.name, scope)
        self.known.id = entries[0]["VpcId"] if len(entries) == 1 else ""
        return [
            observed(
                self.name, raw, raw["VpcId"],
                {"cidr": raw["CidrBlock"], "record": record_of(tags_of(raw))},
                state="ready" if raw["State"] == "available" else "pending",
            )
            for raw in entries
        ]  # fmt: skip

    def create(self, call: Create) -> Observed:
        vpc = self.ec2.create(
            "create_vpc", CidrBlock=call.properties["cidr"], TagSpecifications=specification("vpc", call)
        )["Vpc"]
        self.known.id = vpc["VpcId"]
        return made(call, self.name, vpc["VpcId"])

    def update(self, call: Update) -> Observed:
        return keep_record(self.ec2, call)

    def delete(self, observed: Observed) -> None:
        with explained(self.ec2, vpc_id=observed.id):
            self.ec2.call("delete_vpc", VpcId=observed.id)


@dataclass(frozen=True, slots=True)
class VpcDnsType:
    """`vpc-dns`: whether machines get DNS names; goes with the VPC."""

    ec2: Ec2
    name: str = "vpc-dns"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"vpc"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = []
        for raw in self.ec2.reader.entries("vpc", scope):
            id = raw["VpcId"]
            try:
                answer = self.ec2.call("describe_vpc_attribute", VpcId=id, Attribute="enableDnsHostnames")
            except CloudNotFound:
                continue
            if answer["EnableDnsHostnames"]["Value"]:
                found.append(part(self.name, self.name, f"{id}#dns", raw, {"vpc": id}, within=id))
        return found

    def create(self, call: Create) -> Observed:
        vpc = call.properties["vpc"]
        self.ec2.call("modify_vpc_attribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
        return made(call, self.name, f"{vpc}#dns", within=vpc)

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.ec2.call("modify_vpc_attribute", VpcId=observed.within, EnableDnsHostnames={"Value": False})
