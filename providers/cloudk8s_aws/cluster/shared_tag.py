"""The tag on what a cluster uses of an existing network: `kubernetes.io/cluster/<name>: shared`, and nothing else.

Cloud controllers know by it which VPC, subnets and route tables are theirs to use. With the tag go the routes of pods
that these controllers put into the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import tags_of
from cloudk8s_aws.cluster.kind import Ec2, made, part
from cloudk8s_aws.cluster.reading import Reader
from cloudk8s_aws.ownership import cluster_tag

USES_TAG = "cloudk8s.io/uses"
"""On the security group of the control plane: the VPC that the cluster is in, and the ranges of its pods."""


@dataclass(frozen=True, slots=True)
class SharedTagType:
    """`shared-tag`: nothing is asked for where clusters have networks of their own."""

    ec2: Ec2
    name: str = "shared-tag"
    traits: Traits = field(default_factory=lambda: Traits(unordered=frozenset({"resources"}), api="ec2"))

    @property
    def shared(self) -> Reader:
        return self.ec2.reader

    def list(self, scope: Scope) -> Sequence[Observed]:
        users = [raw for raw in self.ec2.reader.entries("security-group", scope) if USES_TAG in tags_of(raw)]
        if not users:
            return ()
        pods = tags_of(users[0])[USES_TAG].partition("|")[2]
        key = cluster_tag(scope.cluster)
        wanted = [{"Name": "key", "Values": [key]}, {"Name": "value", "Values": ["shared"]}]
        tagged = self.ec2.api.pages("ec2", "describe_tags", "Tags", Filters=wanted)
        ids = sorted(
            entry["ResourceId"] for entry in tagged if entry["ResourceId"].startswith(("vpc-", "subnet-", "rtb-"))
        )
        if not ids:
            return ()
        properties = {"resources": ids, "pods": pods, "cluster": scope.cluster}
        return [part(self.name, self.name, _id(scope.cluster), users[0], properties, within="")]

    def create(self, call: Create) -> Observed:
        self._tag("create_tags", call.owner.cluster, call.properties["resources"])
        return made(call, self.name, _id(call.owner.cluster))

    def update(self, call: Update) -> Observed:
        self._tag("create_tags", call.owner.cluster, call.properties["resources"])
        return replace(call.observed, properties={**call.observed.properties, **call.properties})

    def delete(self, observed: Observed) -> None:
        ids, cluster = observed.properties["resources"], observed.properties["cluster"]
        tables = [id for id in ids if id.startswith("rtb-")]
        for table, route in self._routes(tables, str(observed.properties.get("pods", "")).split(",")):
            self.ec2.call("delete_route", RouteTableId=table, DestinationCidrBlock=route["DestinationCidrBlock"])
        self._tag("delete_tags", cluster, ids)

    def _tag(self, operation: str, cluster: str, ids: Sequence[str]) -> None:
        tag = {"Key": cluster_tag(cluster), "Value": "shared"}
        try:
            self.ec2.call(operation, Resources=list(ids), Tags=[tag])
        except CloudNotFound:
            if operation == "create_tags":
                raise  # what was to be used is gone

    def _routes(self, tables: Sequence[str], pods: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Routes of pods, which end at machines of the cluster."""
        if not tables or not any(pods):
            return
        ranges = [ip_network(text) for text in pods if text]
        for raw in self.ec2.call("describe_route_tables", RouteTableIds=list(tables))["RouteTables"]:
            for route in raw.get("Routes") or ():
                target, place = route.get("DestinationCidrBlock"), route.get("InstanceId") or route.get("State")
                if target and (place == "blackhole" or str(place).startswith("i-")):
                    network = ip_network(target)
                    if any(network.version == r.version and network.subnet_of(r) for r in ranges):  # type: ignore[arg-type]
                        yield raw["RouteTableId"], route


def _id(cluster: str) -> str:
    return f"{cluster_tag(cluster)}#shared"
