"""A3: which security group of a node lets load balancers in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cloudk8s_aws.load_balancers.shared import choose_node_group
from cloudk8s_aws.testing import AwsWorld

OURS = {"kubernetes.io/cluster/prod": "owned"}


@pytest.mark.parametrize(
    ("groups", "chosen"),
    [
        ({"sg-1": {}}, "sg-1"),
        ({"sg-1": {}, "sg-2": OURS}, "sg-2"),
        ({"sg-1": {}, "sg-2": {"kubernetes.io/cluster/prod": "shared"}}, "sg-2"),
        ({"sg-1": OURS, "sg-2": OURS}, None),
        ({"sg-1": {}, "sg-2": {}}, None),
        ({"sg-1": {"kubernetes.io/cluster/other": "owned"}, "sg-2": OURS}, "sg-2"),
        ({"sg-1": OURS, "sg-2": OURS | {"cloudk8s.io/resource": "shared-group"}}, "sg-1"),
        ({}, None),
    ],
)
def test_a3_the_only_tagged_group_else_the_only_one(
    groups: Mapping[str, Mapping[str, str]], chosen: str | None
) -> None:
    assert choose_node_group(groups, "prod") == chosen


def test_nodes_let_all_load_balancers_in_by_one_rule(world: AwsWorld) -> None:
    nodes = [world.start_instance(f"n{number}") for number in (1, 2)]
    balancers = world.load_balancers()
    uids = [f"{number}f9e8d7c-6b5a-4c3d-9e1f-000000000001" for number in range(3)]
    for uid in uids:
        balancers.ensure(world.request(uid, nodes=nodes))
    groups = world.raw("ec2").describe_security_groups()["SecurityGroups"]
    shared = next(group for group in groups if group["GroupName"].startswith("k8s-traffic-"))
    default = next(group for group in groups if group["GroupName"] == "default")
    pairs = [pair["GroupId"] for rule in default["IpPermissions"] for pair in rule["UserIdGroupPairs"]]
    assert pairs == [shared["GroupId"]]
    for uid in uids:
        balancers.delete(world.request(uid).service)
    assert not world.left()
    groups = world.raw("ec2").describe_security_groups()["SecurityGroups"]
    assert [group["IpPermissions"] for group in groups] == [[]]
