"""Subnets: for each zone a private one, and a public one for load balancers and NAT gateways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s_aws.cluster.blockers import explained
from cloudk8s_aws.cluster.kind import Ec2, made, observed, specification
from cloudk8s_aws.cluster.reading import Reader


@dataclass(frozen=True, slots=True)
class SubnetType:
    """`subnet`: nothing about it can change."""

    ec2: Ec2
    name: str = "subnet"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"vpc", "zone", "cidr"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        return [
            observed(
                self.name, raw, raw["SubnetId"],
                {"vpc": raw["VpcId"], "zone": raw["AvailabilityZone"], "cidr": raw["CidrBlock"]},
                state="ready" if raw["State"] == "available" else "pending",
            )
            for raw in self.ec2.reader.entries(self.name, scope)
        ]  # fmt: skip

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        subnet = self.ec2.call(
            "create_subnet", VpcId=wanted["vpc"], CidrBlock=wanted["cidr"], AvailabilityZone=wanted["zone"],
            TagSpecifications=specification("subnet", call),
        )["Subnet"]  # fmt: skip
        return made(call, self.name, subnet["SubnetId"])

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        with explained(self.ec2, subnet_id=observed.id):
            self.ec2.call("delete_subnet", SubnetId=observed.id)
