"""TargetGroupBindings: pods and nodes become targets of target groups that others have made, and stop being it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import BUILT_IN, CUSTOM_RESOURCE_DEFINITIONS, ENDPOINT_SLICES, NODES
from cloudk8s.plugin import CloudController
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s_aws.bindings.controller import TargetGroupBindingController
from cloudk8s_aws.bindings.definition import TARGET_GROUP_BINDINGS, definition
from cloudk8s_aws.bindings.registering import Registrar
from cloudk8s_aws.controllers import BINDINGS
from cloudk8s_aws.testing import AwsWorld


class Stage:
    """A cluster with two nodes, a Service with one ready pod, and a target group made by hand."""

    def __init__(self, world: AwsWorld) -> None:
        self.world = world
        self.harness = CloudHarness(clock=world.clock, cluster=world.cluster)
        self.client = self.harness.client = FakeClient(clock=world.clock, resources=[*BUILT_IN, TARGET_GROUP_BINDINGS])
        for number in (1, 2):
            ref = world.start_instance(f"n{number}")
            self.client.add(make_node(ref.name, provider_id=ref.provider_id, labels={"pool": f"p{number}"}))
        self.client.add(make_service(type="NodePort"))
        self.client.add({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
            "endpoints": [{"addresses": ["172.31.0.9"], "conditions": {"ready": True}}],
            "ports": [{"name": "http", "port": 8080}],
        })  # fmt: skip

    def group(self, name: str = "mine", kind: str = "ip") -> str:
        elb, vpc = self.world.raw("elbv2"), self.world.raw("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        made = elb.create_target_group(Name=name, Protocol="TCP", Port=80, VpcId=vpc, TargetType=kind)
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def bind(self, **spec: Any) -> Object:
        body = {"serviceRef": {"name": "web", "port": 80}, **spec}
        return self.client.add({
            "apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding",
            "metadata": {"name": "web", "namespace": "default"}, "spec": body,
        })  # fmt: skip

    def targets(self, arn: str) -> set[str]:
        health = self.world.raw("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {
            f"{e['Target']['Id']}:{e['Target']['Port']}" for e in health if e["TargetHealth"]["State"] != "draining"
        }

    def register(self, arn: str, address: str, port: int) -> None:
        self.world.raw("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": address, "Port": port}])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        aws = self.world.aws()

        def make(context: Any, calls: Any) -> TargetGroupBindingController:
            return TargetGroupBindingController(context, calls, Registrar(aws.api), aws.doors())

        self.harness.clouds.clear()
        self.harness.attach("cloud", "aws", controllers=[CloudController(BINDINGS, make)])
        async with self.harness.running(BINDINGS):
            await self.harness.settle(10)
            yield


@pytest.fixture
def stage(world: AwsWorld) -> Stage:
    return Stage(world)


async def test_pods_become_targets_and_follow_their_endpoints(stage: Stage) -> None:
    arn = stage.group()
    stage.bind(targetGroupARN=arn)
    async with stage.running():
        assert stage.targets(arn) == {"172.31.0.9:8080"}
        endpoints = [
            {"addresses": [address], "conditions": {"ready": True}} for address in ("172.31.0.10", "172.31.0.11")
        ]
        await stage.client.patch(ENDPOINT_SLICES, "web-1", {"endpoints": endpoints}, namespace="default")
        await stage.harness.settle(5)
        assert stage.targets(arn) == {"172.31.0.10:8080", "172.31.0.11:8080"}
        await stage.client.delete(TARGET_GROUP_BINDINGS, "web", namespace="default")
        await stage.harness.settle(5)
        assert stage.targets(arn) == set()
        assert stage.client.all(TARGET_GROUP_BINDINGS) == []


async def test_nodes_become_targets_by_selector(stage: Stage) -> None:
    arn = stage.group(kind="instance")
    stage.bind(targetGroupName="mine", nodeSelector={"matchLabels": {"pool": "p2"}})
    async with stage.running():
        assert [entry.endswith(":30080") for entry in stage.targets(arn)] == [True]
        await stage.client.patch(NODES, "n1", {"metadata": {"labels": {"pool": "p2"}}})
        await stage.harness.settle(5)
        assert len(stage.targets(arn)) == 2


async def test_strangers_are_taken_out_unless_clusters_share_the_group(stage: Stage) -> None:
    arn = stage.group()
    stage.register(arn, "172.31.9.9", 80)
    stage.bind(targetGroupARN=arn)
    async with stage.running():
        assert stage.targets(arn) == {"172.31.0.9:8080"}


async def test_clusters_that_share_a_group_leave_each_others_targets_alone(stage: Stage) -> None:
    arn = stage.group()
    stage.register(arn, "172.31.9.9", 80)
    stage.bind(targetGroupARN=arn, multiClusterTargetGroup=True)
    async with stage.running():
        assert stage.targets(arn) == {"172.31.0.9:8080", "172.31.9.9:80"}
        await stage.client.patch(ENDPOINT_SLICES, "web-1", {"endpoints": []}, namespace="default")
        await stage.harness.settle(5)
        assert stage.targets(arn) == {"172.31.9.9:80"}
        await stage.client.delete(TARGET_GROUP_BINDINGS, "web", namespace="default")
        await stage.harness.settle(5)
        assert stage.targets(arn) == {"172.31.9.9:80"}


async def test_a_restart_changes_nothing(stage: Stage) -> None:
    arn = stage.group()
    stage.bind(targetGroupARN=arn)
    async with stage.running():
        before = stage.world.mutations()
    stage.client.actions.clear()
    async with stage.running():
        assert stage.world.mutations() == before
        assert stage.harness.writes("targetgroupbindings") == []


async def test_a_deleted_group_does_not_hold_its_binding(stage: Stage) -> None:
    arn = stage.group()
    stage.bind(targetGroupARN=arn)
    async with stage.running():
        stage.world.raw("elbv2").delete_target_group(TargetGroupArn=arn)
        await stage.client.delete(TARGET_GROUP_BINDINGS, "web", namespace="default")
        await stage.harness.settle(5)
        assert stage.client.all(TARGET_GROUP_BINDINGS) == []


async def test_what_can_not_be_bound_is_told(stage: Stage) -> None:
    stage.bind(targetGroupARN=stage.group(), serviceRef={"name": "web", "port": 81})
    async with stage.running():
        assert ("Warning", "FailedReconcile") in stage.harness.events("web")


async def test_the_custom_resource_is_made_once(stage: Stage) -> None:
    async with stage.running():
        assert len(stage.client.all(CUSTOM_RESOURCE_DEFINITIONS)) == 1
    async with stage.running():
        assert len(stage.client.all(CUSTOM_RESOURCE_DEFINITIONS)) == 1


def doors(world: AwsWorld) -> set[tuple[int, str]]:
    """Ports and sources of all rules that name a binding."""
    return {
        (permission["FromPort"], entry.get("CidrIp") or entry.get("GroupId"))
        for group in world.raw("ec2").describe_security_groups()["SecurityGroups"]
        for permission in group["IpPermissions"]
        for entry in (*permission["IpRanges"], *permission["UserIdGroupPairs"])
        if entry.get("Description", "").startswith("elbv2.k8s.aws/targetGroupBinding=")
    }


async def test_networking_opens_the_way_and_closes_it(stage: Stage) -> None:
    arn, ec2 = stage.group(), stage.world.raw("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    theirs = ec2.create_security_group(GroupName="balancer", Description="theirs", VpcId=vpc)["GroupId"]
    peers = [{"ipBlock": {"cidr": "10.9.0.0/16"}}, {"securityGroup": {"groupID": theirs}}]
    networking = {"ingress": [{"from": peers, "ports": [{"protocol": "TCP"}, {"port": 9000}]}]}
    stage.bind(targetGroupARN=arn, networking=networking)
    async with stage.running():
        assert doors(stage.world) == {(port, source) for port in (8080, 9000) for source in ("10.9.0.0/16", theirs)}
        before = stage.world.mutations()
        await stage.harness.settle(3600)
        assert stage.world.mutations() == before
        await stage.client.patch(TARGET_GROUP_BINDINGS, "web", {"spec": {"networking": None}}, namespace="default")
        await stage.harness.settle(5)
        assert doors(stage.world) == set()
        await stage.client.patch(
            TARGET_GROUP_BINDINGS, "web", {"spec": {"networking": networking}}, namespace="default"
        )
        await stage.harness.settle(5)
        assert len(doors(stage.world)) == 4
        await stage.client.delete(TARGET_GROUP_BINDINGS, "web", namespace="default")
        await stage.harness.settle(5)
        assert doors(stage.world) == set()


def test_the_custom_resource_is_upstreams() -> None:
    schema = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["spec"]["required"] == ["serviceRef"]
    assert definition()["metadata"]["name"] == "targetgroupbindings.elbv2.k8s.aws"
