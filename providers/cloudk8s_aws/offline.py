"""An emulated account made usable: what a real account has and a fresh emulator has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s_aws.api import AwsApi, tag_list
from cloudk8s_aws.ownership import cluster_tag
from cloudk8s_aws.settings import AwsSettings

IMAGE = "ami-12345678"


def make_default_vpc_public(ec2: Any, tags: Mapping[str, str]) -> str:
    """Give the default VPC a way out, and its route table these tags; returns the VPC's id. Idempotent."""
    vpc: str = next(vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"])
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    table = ec2.describe_route_tables(Filters=within)["RouteTables"][0]
    if not any(str(route.get("GatewayId", "")).startswith("igw-") for route in table["Routes"]):
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.create_tags(Resources=[table["RouteTableId"]], Tags=tag_list(tags))
    return vpc


def prepare(settings: AwsSettings, *, cluster: str, nodes: Sequence[str] = ()) -> Mapping[str, str]:
    """Make an emulator's account ready for a cluster, with an instance for each of these nodes.

    Returns the instances' ids by node name. Idempotent: an instance that is there by its Name tag is kept.
    """
    api = AwsApi(settings)
    ec2 = api._client("ec2")
    tags = {cluster_tag(cluster): "owned"}
    make_default_vpc_public(ec2, tags)
    present = _instances(api, cluster)
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    for number, name in enumerate(name for name in nodes if name not in present):
        made = api.call(
            "ec2", "run_instances", ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="t3.medium",
            SubnetId=subnets[number % len(subnets)],
            TagSpecifications=[{"ResourceType": "instance", "Tags": tag_list({**tags, "Name": name})}],
        )  # fmt: skip
        present[name] = made["Instances"][0]["InstanceId"]
    return {name: id for name, id in present.items() if not nodes or name in nodes}


def _instances(api: AwsApi, cluster: str) -> dict[str, str]:
    wanted = [
        {"Name": "tag-key", "Values": [cluster_tag(cluster)]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    found = api.pages("ec2", "describe_instances", "Reservations", Filters=wanted)
    return {
        tag["Value"]: instance["InstanceId"]
        for reservation in found
        for instance in reservation["Instances"]
        for tag in instance.get("Tags") or ()
        if tag["Key"] == "Name"
    }
