"""Several regions and accounts in one cluster: each cloud has its own session, and its own nodes."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import NODE, NODE_LIFECYCLE
from cloudk8s.testing.cloud_harness import CloudHarness, make_node
from cloudk8s_aws.api import AwsApi
from cloudk8s_aws.assembly import Aws
from cloudk8s_aws.ownership import cluster_tag
from cloudk8s_aws.settings import AwsSettings
from cloudk8s_aws.testing import AwsWorld

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
ROLE = "arn:aws:iam::210987654321:role/nodes"


def settings(**more: Any) -> AwsSettings:
    return AwsSettings(access_key_id="test", secret_access_key="test", **more)  # type: ignore[arg-type]


def start(api: AwsApi, cluster: str, name: str) -> str:
    tags = [{"Key": "Name", "Value": name}, {"Key": cluster_tag(cluster), "Value": "owned"}]
    made = api.call(
        "ec2", "run_instances", ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.small",
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )  # fmt: skip
    return str(made["Instances"][0]["InstanceId"])


def test_a_role_is_another_account(world: AwsWorld) -> None:
    api = AwsApi(settings(role_arn=ROLE))
    assert api.call("sts", "get_caller_identity")["Account"] == "210987654321"
    assert AwsApi(settings()).call("sts", "get_caller_identity")["Account"] != "210987654321"


async def test_each_region_and_account_describes_its_own_nodes(world: AwsWorld) -> None:
    places = {
        "east": settings(region="us-east-1"), "west": settings(region="us-west-2"),
        "other": settings(region="eu-west-1", role_arn=ROLE),
    }  # fmt: skip
    harness = CloudHarness(clock=world.clock, cluster=world.cluster)
    ids = {}
    for name, place in places.items():
        aws = Aws(place, world.cluster)
        ids[name] = start(aws.api, world.cluster, f"node-{name}")
        harness.attach(name, "aws", instances=aws.instances())
        harness.client.add(make_node(f"node-{name}", taints=[TAINT], ready=False))
    async with harness.running(NODE, NODE_LIFECYCLE):
        await harness.settle(10)
        for name, place in places.items():
            node = harness.node(f"node-{name}")
            assert node["spec"]["providerID"].startswith(f"aws:///{place.region}")
            assert node["spec"]["providerID"].endswith(ids[name])
            assert node["metadata"]["labels"]["topology.kubernetes.io/region"] == place.region
        AwsApi(places["other"]).call("ec2", "terminate_instances", InstanceIds=[ids["other"]])
        await harness.settle(30)
        assert {node["metadata"]["name"] for node in harness.client.all(NODES)} == {"node-east", "node-west"}
