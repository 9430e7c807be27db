"""The S3 gateway endpoint: images from S3 do not pay for passing the NAT gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.plugin import CloudError, CloudNotFound
from cloudk8s_aws.cluster.kind import Ec2, made, observed, specification
from cloudk8s_aws.cluster.reading import Reader

DEAD = ("deleting", "deleted")


@dataclass(frozen=True, slots=True)
class VpcEndpointType:
    """`vpc-endpoint`: the route tables it is in can change."""

    ec2: Ec2
    name: str = "vpc-endpoint"
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"vpc", "service"}), unordered=frozenset({"tables"}), api="ec2"
        )
    )

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        return [
            observed(
                self.name, raw, raw["VpcEndpointId"],
                {"vpc": raw["VpcId"], "service": raw["ServiceName"], "tables": sorted(raw.get("RouteTableIds") or ())},
                state="deleting" if raw["State"].lower() == "deleting" else "ready",
            )
            for raw in self.ec2.reader.entries(self.name, scope)
            if raw["State"].lower() != "deleted"
        ]  # fmt: skip

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        endpoint = self.ec2.call(
            "create_vpc_endpoint", VpcId=wanted["vpc"], ServiceName=wanted["service"], VpcEndpointType="Gateway",
            RouteTableIds=list(wanted["tables"]), ClientToken=call.token,
            TagSpecifications=specification("vpc-endpoint", call),
        )["VpcEndpoint"]  # fmt: skip
        return made(call, self.name, endpoint["VpcEndpointId"])

    def update(self, call: Update) -> Observed:
        wanted, present = set(call.properties["tables"]), set(call.observed.properties["tables"])
        self.ec2.call(
            "modify_vpc_endpoint", VpcEndpointId=call.observed.id, AddRouteTableIds=sorted(wanted - present),
            RemoveRouteTableIds=sorted(present - wanted),
        )  # fmt: skip
        return replace(call.observed, properties={**call.observed.properties, "tables": sorted(wanted)})

    def delete(self, observed: Observed) -> None:
        try:
            self._delete(observed.id)
        except CloudNotFound:
            # it is gone, or one of its route tables is: taken out of all of them it can be deleted
            if tables := self._tables(observed.id):
                self.ec2.call("modify_vpc_endpoint", VpcEndpointId=observed.id, RemoveRouteTableIds=tables)
                self._delete(observed.id)

    def _delete(self, id: str) -> None:
        answer = self.ec2.call("delete_vpc_endpoints", VpcEndpointIds=[id])
        for failure in answer.get("Unsuccessful") or ():
            code = failure.get("Error", {}).get("Code", "")
            if not code.endswith("NotFound"):
                raise CloudError(f"delete_vpc_endpoints: {code}: {failure.get('Error', {}).get('Message', '')}")

    def _tables(self, id: str) -> Sequence[str]:
        """The route tables that a living endpoint is in."""
        try:
            found = self.ec2.call("describe_vpc_endpoints", VpcEndpointIds=[id])["VpcEndpoints"]
        except CloudNotFound:
            return []
        return [table for raw in found if raw["State"].lower() not in DEAD for table in raw.get("RouteTableIds") or ()]
