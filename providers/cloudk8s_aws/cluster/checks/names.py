"""Whether the names that the cluster needs are free, and no other tool has a cluster of this name."""

from __future__ import annotations

from collections.abc import Iterator

from cloudk8s.cloud.stack.resource import CLUSTER_TAG
from cloudk8s.plugin import CloudNotFound, Finding, NetworkRequest, Unsupported
from cloudk8s_aws.api import AwsApi, filters, tags_of
from cloudk8s_aws.cluster.balancing import api_name
from cloudk8s_aws.cluster.dns_record import Zones
from cloudk8s_aws.cluster.firewall import GROUPS
from cloudk8s_aws.cluster.layout import iam_name, iam_path
from cloudk8s_aws.ownership import cluster_tag

ROLES = ("control-plane", "worker")
LONGEST_LABEL = 63


def taken(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    """Everything that is in the way; nothing of the cluster is there yet, so whatever has its names is another's."""
    yield from _clusters(api, request)
    yield from _balancers(api, request)
    yield from _roles(api, request)
    if request.existing is not None:
        yield from _groups(api, request, request.existing.id)
    if request.dns_zone:
        yield from _records(api, request)


def _clusters(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    """By the tag that all tools use; cloud controllers could not tell the two apart. Kept data is no cluster."""
    wanted = [{"Name": "key", "Values": [cluster_tag(request.cluster)]}, {"Name": "value", "Values": ["owned"]}]
    tagged = api.pages("ec2", "describe_tags", "Tags", Filters=wanted)
    found = [entry["ResourceId"] for entry in tagged if entry["ResourceType"] not in ("volume", "snapshot")]
    if found:
        shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        message = (
            f"another cluster {request.cluster!r} is in {api.region}: {shown} carry {cluster_tag(request.cluster)}; "
            "choose another name, or delete that one"
        )
        yield Finding("name", message, field="name")


def _balancers(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    name = api_name(request.uid)
    looks = (
        ("describe_load_balancers", "LoadBalancers", "load balancer"),
        ("describe_target_groups", "TargetGroups", "target group"),
    )
    for operation, key, what in looks:
        try:
            found = api.call("elbv2", operation, Names=[name])[key]
        except CloudNotFound:
            continue
        if found:
            yield Finding("name", f"there is a {what} {name} already; delete it, or choose another name", field="name")


def _roles(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    for role in ROLES:
        name = iam_name(api.region, request.cluster, role)
        for operation, parameter, key in (
            ("get_role", "RoleName", "Role"), ("get_instance_profile", "InstanceProfileName", "InstanceProfile"),
        ):  # fmt: skip
            try:
                found = api.call("iam", operation, **{parameter: name})[key]
            except CloudNotFound:
                continue
            if found["Path"] != iam_path(api.region, request.cluster):
                what = key[0].lower() + key[1:]
                yield Finding("name", f"there is a {what} {name} of others; choose another name", field="name")


def _groups(api: AwsApi, request: NetworkRequest, vpc: str) -> Iterator[Finding]:
    names = [f"{request.cluster}-{name}" for name in GROUPS]
    wanted = filters(vpc_id=[vpc], group_name=names)
    for group in api.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=wanted):
        if tags_of(group).get(CLUSTER_TAG) != request.cluster:
            message = f"{vpc} has a security group {group['GroupName']} already; delete it, or choose another name"
            yield Finding("name", message, field="name")


def _records(api: AwsApi, request: NetworkRequest) -> Iterator[Finding]:
    try:
        private = request.api_scheme == "internal"
        place = Zones(api).find(request.dns_zone, request.dns_name, request.cluster, private=private)
    except Unsupported as error:
        yield Finding("name", str(error).removeprefix("network.api.dnsZone: "), field="network.api.dnsZone")
        return
    if long := [label for label in place.name.split(".") if len(label) > LONGEST_LABEL]:
        message = f"{long[0]} has more than {LONGEST_LABEL} characters; use a shorter network.api.dnsName"
        yield Finding("name", message, field="network.api.dnsName")
    listed = api.call(
        "route53", "list_resource_record_sets", HostedZoneId=place.zone, StartRecordName=f"{place.name}.", MaxItems="1"
    )["ResourceRecordSets"]
    if any(entry["Name"].rstrip(".") == place.name for entry in listed):
        message = f"{place.name} is in the zone already; delete it, or use another name"
        yield Finding("name", message, field="network.api.dnsName")
