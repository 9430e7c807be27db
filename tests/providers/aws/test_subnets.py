"""A2: which subnets a load balancer stands in."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.errors import CloudError, Unsupported
from cloudk8s_aws.load_balancers.subnets import Subnet, named_subnets, read_subnets, select_subnets

OURS = {"kubernetes.io/cluster/prod": "owned"}
FOREIGN = {"kubernetes.io/cluster/other": "owned"}
PUBLIC_ROLE = {"kubernetes.io/role/elb": "1"}
PRIVATE_ROLE = {"kubernetes.io/role/internal-elb": "1"}


def select(*subnets: Subnet, scheme: str = "internet-facing") -> tuple[str, ...]:
    return select_subnets(subnets, cluster="prod", scheme=scheme, is_plain_zone=lambda zone: "lax" not in zone)


def test_one_for_each_zone_in_the_order_of_zones() -> None:
    assert select(Subnet("s-3", "b", True), Subnet("s-1", "a", True), Subnet("s-2", "a", True)) == ("s-1", "s-3")


def test_the_role_tag_wins_over_the_cluster_tag_over_the_lowest_id() -> None:
    plain, tagged, role = (
        Subnet("s-1", "a", True),
        Subnet("s-2", "a", True, OURS),
        Subnet("s-3", "a", True, PUBLIC_ROLE),
    )
    assert select(plain, tagged, role) == ("s-3",)
    assert select(plain, tagged) == ("s-2",)


def test_other_clusters_subnets_are_not_ours() -> None:
    assert select(Subnet("s-1", "a", True, FOREIGN), Subnet("s-2", "a", True, OURS)) == ("s-2",)


def test_a_public_load_balancer_needs_a_way_out() -> None:
    with pytest.raises(CloudError, match=r"no public subnet .* tag one with kubernetes.io/role/elb"):
        select(Subnet("s-1", "a", False))
    assert select(Subnet("s-1", "a", False), scheme="internal") == ("s-1",)


def test_internal_ones_have_a_role_of_their_own() -> None:
    subnets = Subnet("s-1", "a", True, PUBLIC_ROLE), Subnet("s-2", "a", False, PRIVATE_ROLE)
    assert select(*subnets, scheme="internal") == ("s-2",)


def test_local_zones_are_left_out() -> None:
    assert select(Subnet("s-1", "us-west-2-lax-1a", True), Subnet("s-2", "a", True)) == ("s-2",)


def test_named_subnets_go_by_id_or_name_in_the_order_given() -> None:
    subnets = [Subnet("subnet-1", "a", True, {"Name": "front"}), Subnet("subnet-2", "b", True)]
    assert named_subnets(subnets, ["subnet-2", "front"]) == ("subnet-2", "subnet-1")
    with pytest.raises(Unsupported, match="'back' names no subnets of the VPC"):
        named_subnets(subnets, ["back"])


def test_the_explicit_route_table_decides_and_the_main_one_stands_in() -> None:
    def table(gateway: str, **association: Any) -> dict[str, Any]:
        return {"Associations": [association], "Routes": [{"GatewayId": gateway}]}

    tables = [table("igw-1", Main=True), table("local", SubnetId="subnet-2")]
    described = [{"SubnetId": "subnet-1", "AvailabilityZone": "a"}, {"SubnetId": "subnet-2", "AvailabilityZone": "b"}]
    assert [subnet.is_public for subnet in read_subnets(described, tables)] == [True, False]
    assert [subnet.is_public for subnet in read_subnets(described, [])] == [False, False]
