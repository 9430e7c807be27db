"""Routes with a table for each zone: every table gets every route, and one that lacks some gets them."""

from __future__ import annotations

import pytest

from cloudk8s.plugin import NodeRef, Route, SettingsError
from cloudk8s_aws.ownership import cluster_tag
from cloudk8s_aws.testing import AwsWorld


def second_table(world: AwsWorld) -> str:
    ec2 = world.raw("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    tags = [{"ResourceType": "route-table", "Tags": [{"Key": cluster_tag(world.cluster), "Value": "owned"}]}]
    return str(ec2.create_route_table(VpcId=vpc, TagSpecifications=tags)["RouteTable"]["RouteTableId"])


def destinations(world: AwsWorld) -> list[set[str]]:
    tables = world.raw("ec2").describe_route_tables()["RouteTables"]
    return [{e["DestinationCidrBlock"] for e in table["Routes"] if e.get("InstanceId")} for table in tables]


def route(node: NodeRef, number: int) -> Route:
    return Route(f"10.244.{number}.0/24", node.name, node.provider_id)


def test_every_table_gets_every_route_and_loses_it(world: AwsWorld) -> None:
    second_table(world)
    nodes = [world.start_instance(f"n{number}") for number in (1, 2)]
    assert world.routes().create([route(nodes[0], 1), route(nodes[1], 2)]) == {}
    assert destinations(world) == [{"10.244.1.0/24", "10.244.2.0/24"}] * 2
    listed = world.routes().list(nodes)
    assert [entry.node for entry in listed] == ["n1", "n2"]
    assert world.routes().delete(listed[:1]) == {}
    assert destinations(world) == [{"10.244.2.0/24"}] * 2


def test_a_route_that_a_table_lacks_is_made_again(world: AwsWorld) -> None:
    node = world.start_instance("n1")
    world.routes().create([route(node, 1)])
    table = second_table(world)
    assert [entry.node for entry in world.routes().list([node])] == [""], "nobody's, so that the core makes it again"
    assert world.routes().create([route(node, 1)]) == {}
    assert [entry.node for entry in world.routes().list([node])] == ["n1"]
    assert table in {entry["RouteTableId"] for entry in world.raw("ec2").describe_route_tables()["RouteTables"]}
    assert destinations(world) == [{"10.244.1.0/24"}] * 2


def test_without_a_table_it_says_what_to_do(world: AwsWorld) -> None:
    ec2 = world.raw("ec2")
    for table in ec2.describe_route_tables()["RouteTables"]:
        ec2.delete_tags(Resources=[table["RouteTableId"]], Tags=[{"Key": cluster_tag(world.cluster)}])
    with pytest.raises(SettingsError, match="tag one, or set route_table_ids"):
        world.routes().list([])


def test_packets_of_pods_pass_every_card_of_an_instance(world: AwsWorld) -> None:
    node = world.start_instance("n1")
    world.routes().create([route(node, 1)])
    id = node.provider_id.rpartition("/")[2]
    data = world.raw("ec2").describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]
    assert all(card["SourceDestCheck"] is False for card in data["NetworkInterfaces"])
