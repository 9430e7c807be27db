"""What EC2 has of a cluster, read once for all resource types of an observation.

The first question is which resources carry the cluster's tag at all: one call, which makes an empty account, or one
that holds little, cheap to look at. Then each kind that is there is described once.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.cloud.stack.interface import Scope
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG
from cloudk8s_aws.api import AwsApi, filters, tags_of
from cloudk8s_aws.cluster.known import KnownVpc

FEW = 3
"""For so few types the question what there is at all does not pay."""

NAME_OF_DEFAULT = "default"
"""What AWS calls the security group that it makes with a VPC."""

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of EC2 resource is described."""

    prefix: str
    operation: str
    key: str
    is_paged: bool = True


KINDS: Mapping[str, Kind] = {
    "vpc": Kind("vpc-", "describe_vpcs", "Vpcs"),
    "internet-gateway": Kind("igw-", "describe_internet_gateways", "InternetGateways"),
    "subnet": Kind("subnet-", "describe_subnets", "Subnets"),
    "address": Kind("eipalloc-", "describe_addresses", "Addresses", is_paged=False),
    "nat-gateway": Kind("nat-", "describe_nat_gateways", "NatGateways"),
    "route-table": Kind("rtb-", "describe_route_tables", "RouteTables"),
    "vpc-endpoint": Kind("vpce-", "describe_vpc_endpoints", "VpcEndpoints"),
    "security-group": Kind("sg-", "describe_security_groups", "SecurityGroups"),
}


class Reader:
    """Shared by resource types; safe to use by threads. Answers hold until the next observation begins."""

    def __init__(self, api: AwsApi, known: KnownVpc) -> None:
        self._api = api
        self._known = known
        self._lock = threading.RLock()
        self._prefixes: Collection[str] | None = None
        self._seen: Collection[str] | None = None
        self._raw: dict[str, Sequence[Raw]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._defaults: Sequence[tuple[Raw, str]] = ()

    def begin(self, scope: Scope, types: Collection[str]) -> None:
        """A new observation of these types."""
        with self._lock:
            self._raw = {}
            self._prefixes = None
            self._defaults = ()
        self._known.found(nothing=False)
        if len(types) > FEW:
            prefixes = {id.partition("-")[0] + "-" for id in self._tagged(scope)}
            with self._lock:
                self._prefixes = self._seen = prefixes
            self._known.found(nothing=not prefixes)

    def learn(self, prefixes: Collection[str]) -> None:
        """What ids there are, as another listing told."""
        with self._lock:
            self._seen = prefixes

    def may_have(self, prefix: str) -> bool:
        """Whether anything of the cluster has an id like this, as far as was last asked."""
        with self._lock:
            return self._seen is None or prefix in self._seen

    def expect(self, prefix: str) -> None:
        """Something with such an id is about to be there."""
        with self._lock:
            if self._seen is not None:
                self._seen = {*self._seen, prefix}

    def entries(self, name: str, scope: Scope) -> Sequence[Raw]:
        """Everything of one kind that carries the cluster's tag, and the owner's."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._raw:
                self._raw[name] = self._read(KINDS[name], scope)
            return self._raw[name]

    def default_groups(self, scope: Scope) -> Sequence[tuple[Raw, str]]:
        """The group that AWS made with the cluster's own VPC, and whose the VPC is."""
        self.entries("security-group", scope)
        return self._defaults

    def _read(self, kind: Kind, scope: Scope) -> Sequence[Raw]:
        if kind.key == "SecurityGroups" and (vpc := self._own_vpc(scope)) is not None:
            return self._groups_in(vpc, kind, scope)
        if self._prefixes is not None and kind.prefix not in self._prefixes:
            return ()
        wanted = [{"Name": f"tag:{CLUSTER_TAG}", "Values": [scope.cluster]}]
        if kind.is_paged:
            found = self._api.pages("ec2", kind.operation, kind.key, Filters=wanted)
        else:
            found = self._api.call("ec2", kind.operation, Filters=wanted)[kind.key]
        return [entry for entry in found if scope.owner in ("", tags_of(entry).get(OWNER_TAG))]

    def _own_vpc(self, scope: Scope) -> Raw | None:
        """The VPC, where a look at everything has found one."""
        vpcs = self.entries("vpc", scope) if self._prefixes and "vpc-" in self._prefixes else ()
        return vpcs[0] if len(vpcs) == 1 else None

    def _groups_in(self, vpc: Raw, kind: Kind, scope: Scope) -> Sequence[Raw]:
        """All groups of the VPC in one call, for its own one carries no tag."""
        within = filters(vpc_id=[vpc["VpcId"]])
        found = self._api.pages("ec2", kind.operation, kind.key, Filters=within)
        owner = tags_of(vpc).get(OWNER_TAG, "")
        self._defaults = [(entry, owner) for entry in found if entry["GroupName"] == NAME_OF_DEFAULT]
        ours = (entry for entry in found if tags_of(entry).get(CLUSTER_TAG) == scope.cluster)
        return [entry for entry in ours if scope.owner in ("", tags_of(entry).get(OWNER_TAG))]

    def _tagged(self, scope: Scope) -> Sequence[str]:
        wanted = [{"Name": "key", "Values": [CLUSTER_TAG]}, {"Name": "value", "Values": [scope.cluster]}]
        return [entry["ResourceId"] for entry in self._api.pages("ec2", "describe_tags", "Tags", Filters=wanted)]
