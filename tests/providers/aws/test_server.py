"""The whole way over HTTP: plugins, settings, an emulator's server, controllers, and boto3 to look at the result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cloudk8s.client.resources import NODES, SERVICES
from cloudk8s.plugin import Plugins
from cloudk8s.plugin.clouds import CloudEntry, attach_clouds
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s.testing.inline import InlineExecutor
from cloudk8s_aws.offline import prepare
from cloudk8s_aws.settings import AwsSettings
from cloudk8s_aws.testing import served_account

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
PREFIX = "service.beta.kubernetes.io/aws-load-balancer-"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with served_account() as url:
        yield url


def client(endpoint: str, service: str) -> Any:
    session: Any = boto3
    return session.client(
        service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="offline",
        aws_secret_access_key="offline",
    )  # fmt: skip


async def test_a_service_gets_a_network_load_balancer_and_leaves_an_empty_account(endpoint: str) -> None:
    settings = {"endpoint_url": endpoint, "offline": True}
    made = AwsSettings.model_validate(settings)
    await asyncio.to_thread(prepare, made, cluster="test", nodes=["sim-0", "sim-1"])
    harness = CloudHarness()
    entry = CloudEntry(name="aws", provider="aws", settings=settings)
    harness.clouds += attach_clouds(
        Plugins.load(), [entry], harness.settings, clock=harness.clock, executor=InlineExecutor()
    )
    for number in (0, 1):
        cidr = f"10.244.{number}.0/24"
        harness.client.add(make_node(f"sim-{number}", taints=[TAINT], pod_cidrs=[cidr]))
    harness.client.add(make_service(annotations={f"{PREFIX}additional-resource-tags": "team=shop"}))
    ec2, elb = client(endpoint, "ec2"), client(endpoint, "elbv2")
    groups_before = len(ec2.describe_security_groups()["SecurityGroups"])
    async with harness.running():
        await harness.settle(30)
        ids = {node["metadata"]["name"]: node["spec"]["providerID"] for node in harness.client.all(NODES)}
        assert all(id.startswith("aws:///us-east-1") for id in ids.values())

        balancer = elb.describe_load_balancers()["LoadBalancers"][0]
        ingress = harness.service("web")["status"]["loadBalancer"]["ingress"]
        assert ingress == [{"hostname": balancer["DNSName"].lower()}]
        assert (balancer["Type"], balancer["Scheme"]) == ("network", "internet-facing")
        listener = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"][0]
        assert (listener["Port"], listener["Protocol"]) == (80, "TCP")
        group = elb.describe_target_groups()["TargetGroups"][0]
        assert (group["Port"], group["HealthCheckPort"], group["HealthCheckPath"]) == (30080, "10256", "/healthz")
        health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        assert {entry["Target"]["Id"] for entry in health} == {id.rpartition("/")[2] for id in ids.values()}
        tags = elb.describe_tags(ResourceArns=[balancer["LoadBalancerArn"]])["TagDescriptions"][0]["Tags"]
        named = {tag["Key"]: tag["Value"] for tag in tags}
        assert named["kubernetes.io/cluster/test"] == "owned"
        assert named["kubernetes.io/service-name"] == "default/web"
        assert named["team"] == "shop"
        found = {entry["GroupId"]: entry for entry in ec2.describe_security_groups()["SecurityGroups"]}
        attached = [found[id] for id in balancer["SecurityGroups"]]
        [front] = [entry for entry in attached if entry["GroupName"].startswith("k8s-web-")]
        [shared] = [entry for entry in attached if entry["GroupName"].startswith("k8s-traffic-")]
        opened = {
            (rule["IpProtocol"], rule["FromPort"], r["CidrIp"])
            for rule in front["IpPermissions"]
            for r in rule["IpRanges"]
        }
        assert opened == {("tcp", 80, "0.0.0.0/0"), ("icmp", 3, "0.0.0.0/0")}
        let_in = {p["GroupId"] for g in found.values() for r in g["IpPermissions"] for p in r["UserIdGroupPairs"]}
        assert let_in == {shared["GroupId"]}
        routes = ec2.describe_route_tables()["RouteTables"][0]["Routes"]
        pods = {route["DestinationCidrBlock"] for route in routes if route["DestinationCidrBlock"].startswith("10.244")}
        assert pods == {"10.244.0.0/24", "10.244.1.0/24"}

        await harness.client.delete(SERVICES, "web", namespace="default")
        for name in ids:
            await harness.client.delete(NODES, name)
        await harness.settle(60)
        assert harness.client.all(SERVICES) == []
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert elb.describe_target_groups()["TargetGroups"] == []
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == groups_before
    routes = ec2.describe_route_tables()["RouteTables"][0]["Routes"]
    assert not [route for route in routes if route["DestinationCidrBlock"].startswith("10.244")]


def test_preparing_twice_makes_nothing_twice(endpoint: str) -> None:
    settings = AwsSettings(endpoint_url=endpoint, offline=True)
    first = prepare(settings, cluster="twice", nodes=["a", "b"])
    assert prepare(settings, cluster="twice", nodes=["a", "b", "c"]).items() >= first.items()
