"""Route tables, the way out in each, and which subnets use them. Routes of pod ranges are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import RESOURCE_TAG
from cloudk8s.plugin import RetryLater
from cloudk8s_aws.api import tags_of
from cloudk8s_aws.cluster.kind import Ec2, made, observed, part, specification, suffix
from cloudk8s_aws.cluster.reading import Raw, Reader
from cloudk8s_aws.errors import Taken

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class RouteTableType:
    """`route-table`."""

    ec2: Ec2
    name: str = "route-table"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"vpc"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        entries = self.ec2.reader.entries(self.name, scope)
        return [observed(self.name, raw, raw["RouteTableId"], {"vpc": raw["VpcId"]}) for raw in entries]

    def create(self, call: Create) -> Observed:
        table = self.ec2.call(
            "create_route_table", VpcId=call.properties["vpc"], ClientToken=call.token,
            TagSpecifications=specification("route-table", call),
        )["RouteTable"]  # fmt: skip
        return made(call, self.name, table["RouteTableId"])

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        try:
            self.ec2.call("delete_route_table", RouteTableId=observed.id)
        except RetryLater:  # subnets use it that are not going, or that an emulator let go without it
            if not (used := self._associations(observed.id)):
                raise
            for id in used:
                self.ec2.call("disassociate_route_table", AssociationId=id)
            self.ec2.call("delete_route_table", RouteTableId=observed.id)

    def _associations(self, id: str) -> Sequence[str]:
        tables = self.ec2.call("describe_route_tables", RouteTableIds=[id])["RouteTables"]
        entries = [entry for table in tables for entry in table.get("Associations") or ()]
        return [entry["RouteTableAssociationId"] for entry in entries if not entry.get("Main")]


@dataclass(frozen=True, slots=True)
class DefaultRouteType:
    """`default-route`: where a table sends what is for the world; goes with its table."""

    ec2: Ec2
    name: str = "default-route"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"table"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = []
        for raw in self.ec2.reader.entries("route-table", scope):
            table = raw["RouteTableId"]
            for route in raw.get("Routes") or ():
                if route.get("DestinationCidrBlock") == EVERYWHERE:
                    target = route.get("NatGatewayId") or route.get("GatewayId") or ""
                    properties = {"table": table, "target": target}
                    found.append(
                        part(self.name, _key(self.name, raw), f"{table}#default", raw, properties, within=table)
                    )
        return found

    def create(self, call: Create) -> Observed:
        table = call.properties["table"]
        try:
            self._route("create_route", table, call.properties["target"])
        except Taken:
            self._route("replace_route", table, call.properties["target"])
        return made(call, self.name, f"{table}#default", within=table)

    def update(self, call: Update) -> Observed:
        self._route("replace_route", call.properties["table"], call.properties["target"])
        return made_again(call)

    def delete(self, observed: Observed) -> None:
        self.ec2.call("delete_route", RouteTableId=observed.within, DestinationCidrBlock=EVERYWHERE)

    def _route(self, operation: str, table: str, target: str) -> None:
        parameter = "NatGatewayId" if target.startswith("nat-") else "GatewayId"
        self.ec2.call(operation, RouteTableId=table, DestinationCidrBlock=EVERYWHERE, **{parameter: target})


@dataclass(frozen=True, slots=True)
class AssociationType:
    """`route-table-association`: a subnet uses a table."""

    ec2: Ec2
    name: str = "route-table-association"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"subnet"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        keys = {raw["SubnetId"]: _key(self.name, raw) for raw in self.ec2.reader.entries("subnet", scope)}
        found = []
        for raw in self.ec2.reader.entries("route-table", scope):
            for entry in raw.get("Associations") or ():
                if subnet := entry.get("SubnetId"):
                    properties = {"table": raw["RouteTableId"], "subnet": subnet}
                    key, id = keys.get(subnet, ""), entry["RouteTableAssociationId"]
                    found.append(part(self.name, key, id, raw, properties, within=""))
        return found

    def create(self, call: Create) -> Observed:
        table, subnet = call.properties["table"], call.properties["subnet"]
        answer = self.ec2.call("associate_route_table", RouteTableId=table, SubnetId=subnet)
        return made(call, self.name, answer["AssociationId"])

    def update(self, call: Update) -> Observed:
        answer = self.ec2.call(
            "replace_route_table_association", AssociationId=call.observed.id, RouteTableId=call.properties["table"]
        )
        fresh = made_again(call)
        return Observed(
            self.name, fresh.key, answer["NewAssociationId"], fresh.owner, fresh.properties, tags=fresh.tags
        )

    def delete(self, observed: Observed) -> None:
        self.ec2.call("disassociate_route_table", AssociationId=observed.id)


def made_again(call: Update) -> Observed:
    """The resource with its wanted properties."""
    from dataclasses import replace

    return replace(call.observed, properties=dict(call.properties))


def _key(name: str, raw: Raw) -> str:
    """A part is called like the whole that it belongs to."""
    return f"{name}/{suffix(tags_of(raw).get(RESOURCE_TAG, ''))}"
