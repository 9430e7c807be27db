"""A leak oracle for tests: everything that an emulated account holds beyond what it was born with.

It asks the account itself, with clients of its own, and knows nothing of tags or clusters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

CLIENTS: Final = ("ec2", "elbv2", "iam", "autoscaling", "route53", "sqs", "events")
"""What the oracle needs clients of."""
DEAD = ("deleted", "terminated", "shutting-down")

Ids = frozenset[str]


def everything(clients: Mapping[str, Any]) -> Ids:
    """Ids of all that lives; compare two of them."""
    groups = clients["autoscaling"].describe_auto_scaling_groups()["AutoScalingGroups"]
    names = [entry["AutoScalingGroupName"] for entry in groups]
    names += _route53(clients["route53"])
    names += clients["sqs"].list_queues().get("QueueUrls", [])
    names += [entry["Arn"] for entry in clients["events"].list_rules()["Rules"]]
    return frozenset([*_ec2(clients["ec2"]), *_elbv2(clients["elbv2"]), *_iam(clients["iam"]), *names])


def _ec2(ec2: Any) -> Iterator[str]:
    yield from (entry["VpcId"] for entry in ec2.describe_vpcs()["Vpcs"])
    yield from (entry["SubnetId"] for entry in ec2.describe_subnets()["Subnets"])
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        yield gateway["InternetGatewayId"]
    yield from (entry["AllocationId"] for entry in ec2.describe_addresses()["Addresses"])
    yield from (e["NatGatewayId"] for e in ec2.describe_nat_gateways()["NatGateways"] if e["State"] not in DEAD)
    for table in ec2.describe_route_tables()["RouteTables"]:
        yield table["RouteTableId"]
        yield from (
            f"{table['RouteTableId']} {route.get('DestinationCidrBlock', 'prefix list')}"
            for route in table["Routes"]
            if route.get("Origin") == "CreateRoute"
        )
    yield from (e["VpcEndpointId"] for e in ec2.describe_vpc_endpoints()["VpcEndpoints"] if e["State"] not in DEAD)
    yield from (entry["GroupId"] for entry in ec2.describe_security_groups()["SecurityGroups"])
    for reservation in ec2.describe_instances()["Reservations"]:
        yield from (e["InstanceId"] for e in reservation["Instances"] if e["State"]["Name"] not in DEAD)
    yield from (entry["VolumeId"] for entry in ec2.describe_volumes()["Volumes"])
    yield from (entry["LaunchTemplateId"] for entry in ec2.describe_launch_templates()["LaunchTemplates"])
    yield from (entry["KeyPairId"] for entry in ec2.describe_key_pairs()["KeyPairs"])


def _elbv2(elbv2: Any) -> Iterator[str]:
    for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        yield arn
        yield from (entry["ListenerArn"] for entry in elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"])
    yield from (entry["TargetGroupArn"] for entry in elbv2.describe_target_groups()["TargetGroups"])


def _route53(route53: Any) -> list[str]:
    found = []
    for zone in route53.list_hosted_zones()["HostedZones"]:
        records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        found += [f"{zone['Id']} {entry['Name']} {entry['Type']}" for entry in records]
    return found


def _iam(iam: Any) -> Iterator[str]:
    yield from (entry["Arn"] for entry in iam.list_roles()["Roles"])
    yield from (entry["Arn"] for entry in iam.list_instance_profiles()["InstanceProfiles"])
