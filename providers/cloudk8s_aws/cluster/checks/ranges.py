"""Whether addresses clash: with pods and Services, and with networks that the cluster's is, or may be, joined to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from cloudk8s.plugin import Finding, NetworkRequest
from cloudk8s_aws.api import AwsApi


def clashes(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    """Overlaps within the cluster and with peers are fatal; with others of the account they are worth a word."""
    own = request.existing.cidrs if request.existing is not None else (request.cidr,)
    named = [("network.podCidrs", text) for text in request.pod_cidrs]
    named += [("network.serviceCidrs", text) for text in request.service_cidrs]
    for field, text in named:
        for other in own:
            if _overlap(text, other):
                yield Finding("network", f"{text} overlaps {other} of the network; choose another", field=field)
    for pods in request.pod_cidrs:
        for services in request.service_cidrs:
            if _overlap(pods, services):
                message = f"pods {pods} and Services {services} overlap; choose another"
                yield Finding("network", message, field="network.serviceCidrs")
    if request.existing is not None:
        yield from _peers(api, request, request.existing.id, named)
    else:
        yield from _neighbours(api, request)


def _peers(api: AwsApi, request: NetworkRequest, vpc: str, named: list[tuple[str, str]]) -> Iterator[Finding]:
    """What a VPC is joined to can't be reached where pods or Services have the same addresses."""
    for side, other in (("requester", "Accepter"), ("accepter", "Requester")):
        wanted = [{"Name": f"{side}-vpc-info.vpc-id", "Values": [vpc]}]
        listed = api.pages("ec2", "describe_vpc_peering_connections", "VpcPeeringConnections", Filters=wanted)
        for entry in listed:
            peer: Mapping[str, Any] = entry.get(f"{other}VpcInfo") or {}
            if (entry.get("Status") or {}).get("Code", "active") not in (
                "active",
                "pending-acceptance",
                "provisioning",
            ):
                continue
            for field, text in named:
                for cidr in _ranges(peer):
                    if _overlap(text, cidr):
                        message = (
                            f"{text} overlaps {cidr} of {peer.get('VpcId', 'a VPC')}, a peer of {vpc}: the cluster "
                            "could not reach it; choose another"
                        )
                        yield Finding("network", message, field=field)


def _neighbours(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    for vpc in api.pages("ec2", "describe_vpcs", "Vpcs"):
        if vpc.get("IsDefault"):
            continue
        for cidr in _ranges(vpc):
            if _overlap(request.cidr, cidr):
                message = f"{request.cidr} overlaps {cidr} of {vpc['VpcId']}: the two can never be peered"
                yield Finding("network", message, is_fatal=False, field="network.cidr")


def _ranges(vpc: Mapping[str, Any]) -> list[str]:
    sets = vpc.get("CidrBlockAssociationSet") or vpc.get("CidrBlockSet") or [{"CidrBlock": vpc.get("CidrBlock", "")}]
    return [entry["CidrBlock"] for entry in sets if entry.get("CidrBlock")]


def _overlap(one: str, other: str) -> bool:
    first, second = ip_network(one), ip_network(other)
    return first.version == second.version and first.overlaps(second)
