"""All resource types of a network: to converge, and to delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.cloud.stack.interface import ResourceType
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.cluster.balancing import (
    ApiBalancers,
    ApiBalancerType,
    ApiGroupType,
    ApiListenerType,
    ApiTargetsType,
)
from cloudk8s_aws.cluster.default_group import DefaultGroupType
from cloudk8s_aws.cluster.dns_record import PLACE_TAG, DnsRecordType
from cloudk8s_aws.cluster.endpoint import VpcEndpointType
from cloudk8s_aws.cluster.gateway import AddressType, GatewayAttachmentType, InternetGatewayType
from cloudk8s_aws.cluster.identity import Iam, ProfileRoleType, ProfileType, RolePolicyType, RoleType
from cloudk8s_aws.cluster.kind import Ec2
from cloudk8s_aws.cluster.known import KnownVpc
from cloudk8s_aws.cluster.nat_gateway import NatGatewayType
from cloudk8s_aws.cluster.reading import Reader
from cloudk8s_aws.cluster.route_table import AssociationType, DefaultRouteType, RouteTableType
from cloudk8s_aws.cluster.security_group import ClusterGroupType, GroupRulesType
from cloudk8s_aws.cluster.shared_tag import SharedTagType
from cloudk8s_aws.cluster.subnet import SubnetType
from cloudk8s_aws.cluster.tagged import (
    TaggedType,
    TagListing,
    attachments,
    by_tags,
    groups_in_order,
    only_with,
    only_with_groups,
    parts_of_roles,
    rules_in_circles,
    targets_of_rules,
)
from cloudk8s_aws.cluster.vpc import VpcDnsType, VpcType
from cloudk8s_aws.interruptions.reading import InterruptionReader
from cloudk8s_aws.interruptions.types import (
    FILLING,
    QUEUE,
    RULE,
    InterruptionMarkType,
    InterruptionQueueType,
    InterruptionRuleType,
    InterruptionTargetType,
)

LOOKS: Mapping[str, Any] = {
    "role": parts_of_roles, "role-policy": parts_of_roles, "instance-profile": parts_of_roles,
    "profile-role": parts_of_roles, "vpc": by_tags, "internet-gateway": by_tags, "gateway-attachment": attachments,
    "route-table": by_tags, "subnet": by_tags, "address": by_tags, "nat-gateway": by_tags,
    "security-group": groups_in_order, "shared-tag": only_with_groups,
    "security-group-rules": rules_in_circles, "api-target-group": by_tags,
    "api-balancer": by_tags, "vpc-endpoint": by_tags, "dns-record": only_with(PLACE_TAG),
    RULE: by_tags, QUEUE: by_tags, FILLING: targets_of_rules,
}  # fmt: skip
"""How types are looked at that something has to be deleted of; others go with these."""


@dataclass(frozen=True, slots=True)
class Types:
    """One API, one reader, one VPC."""

    api: AwsApi
    reader: Reader
    known: KnownVpc

    def whole(self) -> Sequence[ResourceType]:
        """Ordered: each refers only to types before it."""
        ec2, iam, balancers = Ec2(self.api, self.reader), Iam(self.api), ApiBalancers(self.api, self.known)
        heard = InterruptionReader(self.api, self.reader)
        return (
            RoleType(iam), RolePolicyType(iam), ProfileType(iam), ProfileRoleType(iam),
            VpcType(ec2, self.known), VpcDnsType(ec2), DefaultGroupType(ec2), InternetGatewayType(ec2),
            GatewayAttachmentType(ec2),
            RouteTableType(ec2), SubnetType(ec2), AddressType(ec2), NatGatewayType(ec2), DefaultRouteType(ec2),
            AssociationType(ec2), ClusterGroupType(ec2), SharedTagType(ec2), GroupRulesType(ec2),
            InterruptionMarkType(heard), InterruptionRuleType(heard), InterruptionQueueType(heard),
            InterruptionTargetType(heard),
            ApiGroupType(balancers),
            ApiTargetsType(balancers), ApiBalancerType(balancers), ApiListenerType(balancers), VpcEndpointType(ec2),
            DnsRecordType(balancers),
        )  # fmt: skip

    def tagged(self, listing: TagListing) -> Sequence[ResourceType]:
        """Those that something has to be deleted of, as their tags tell."""
        return [TaggedType(kind, listing, LOOKS[kind.name]) for kind in self.whole() if kind.name in LOOKS]
