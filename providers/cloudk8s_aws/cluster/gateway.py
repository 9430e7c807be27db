"""The internet gateway and its attachment, and addresses for NAT gateways."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s_aws.cluster.blockers import explained
from cloudk8s_aws.cluster.kind import Ec2, made, observed, part, specification
from cloudk8s_aws.cluster.reading import Reader
from cloudk8s_aws.errors import Taken


@dataclass(frozen=True, slots=True)
class InternetGatewayType:
    """`internet-gateway`."""

    ec2: Ec2
    name: str = "internet-gateway"
    traits: Traits = field(default_factory=lambda: Traits(api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        entries = self.ec2.reader.entries(self.name, scope)
        return [observed(self.name, raw, raw["InternetGatewayId"], {}) for raw in entries]

    def create(self, call: Create) -> Observed:
        tags = specification("internet-gateway", call)
        gateway = self.ec2.create("create_internet_gateway", TagSpecifications=tags)["InternetGateway"]
        return made(call, self.name, gateway["InternetGatewayId"])

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.ec2.call("delete_internet_gateway", InternetGatewayId=observed.id)


@dataclass(frozen=True, slots=True)
class GatewayAttachmentType:
    """`gateway-attachment`: the internet gateway is the VPC's."""

    ec2: Ec2
    name: str = "gateway-attachment"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"gateway", "vpc"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = []
        for raw in self.ec2.reader.entries("internet-gateway", scope):
            id = raw["InternetGatewayId"]
            for entry in raw.get("Attachments") or ():
                properties = {"gateway": id, "vpc": entry["VpcId"]}
                found.append(part(self.name, self.name, f"{id}#{entry['VpcId']}", raw, properties, within=""))
        return found

    def create(self, call: Create) -> Observed:
        gateway, vpc = call.properties["gateway"], call.properties["vpc"]
        with suppress(Taken):  # an earlier attempt did it
            self.ec2.call("attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
        return made(call, self.name, f"{gateway}#{vpc}")

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        gateway, vpc = observed.properties["gateway"], observed.properties["vpc"]
        with explained(self.ec2, vpc_id=vpc):
            self.ec2.call("detach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)


@dataclass(frozen=True, slots=True)
class AddressType:
    """`address`: a public address for a NAT gateway."""

    ec2: Ec2
    name: str = "address"
    traits: Traits = field(default_factory=lambda: Traits(api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        return [
            observed(self.name, raw, raw["AllocationId"], {}, attributes={"ip": raw.get("PublicIp", "")})
            for raw in self.ec2.reader.entries(self.name, scope)
        ]

    def create(self, call: Create) -> Observed:
        tags = specification("elastic-ip", call)
        address = self.ec2.create("allocate_address", Domain="vpc", TagSpecifications=tags)
        return made(call, self.name, address["AllocationId"], attributes={"ip": address.get("PublicIp", "")})

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.ec2.call("release_address", AllocationId=observed.id)
