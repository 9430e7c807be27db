"""A cluster whose cloud is an emulated AWS account: kubectl on one side, boto3 on the other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.conftest import Cluster, cloudk8s, started

pytestmark = pytest.mark.kubectl


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    home = tmp_path_factory.mktemp("cloud")
    options = ("--nodes", "0", "--simulated-nodes", "3", "--cloud", "aws", "--offline")
    cluster = started(home, "clouded", *options)
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "clouded", "--purge")
    cloudk8s(cluster.environment, "offline", "stop")


def account(cluster: Cluster, service: str) -> Any:
    url = json.loads(cloudk8s(cluster.environment, "offline", "status", "--output", "json"))["url"]
    session: Any = boto3
    return session.client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def test_nodes_learn_from_their_cloud_who_and_where_they_are(cluster: Cluster) -> None:
    cluster.kubectl("wait", "--for=jsonpath={.spec.providerID}", "nodes", "--all", "--timeout=30s")
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    reservations = account(cluster, "ec2").describe_instances()["Reservations"]
    instances = {one["InstanceId"]: one for reservation in reservations for one in reservation["Instances"]}
    assert len(instances) == len(nodes) == 3
    for node in nodes:
        instance = instances[node["spec"]["providerID"].rpartition("/")[2]]
        zone = instance["Placement"]["AvailabilityZone"]
        assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == zone
        assert {"type": "InternalIP", "address": instance["PrivateIpAddress"]} in node["status"]["addresses"]
        assert "taints" not in node["spec"]


def test_a_load_balancer_service_is_one_in_the_cloud_and_leaves_nothing(cluster: Cluster) -> None:
    kubectl, balancers = cluster.kubectl, account(cluster, "elbv2")
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3", "--port=80")
    kubectl("expose", "deployment", "web", "--type=LoadBalancer", "--port=80")
    kubectl("wait", "--for=jsonpath={.status.loadBalancer.ingress[0].hostname}", "service/web", "--timeout=30s")
    [made] = balancers.describe_load_balancers()["LoadBalancers"]
    assert made["Type"] == "network"
    assert made["DNSName"] in kubectl("get", "service", "web")
    [group] = balancers.describe_target_groups()["TargetGroups"]
    port = kubectl("get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}")
    assert str(group["Port"]) == port
    health = balancers.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    assert len(health["TargetHealthDescriptions"]) == 3
    kubectl("delete", "service", "web", "--timeout=30s")
    assert balancers.describe_load_balancers()["LoadBalancers"] == []
    assert balancers.describe_target_groups()["TargetGroups"] == []


def test_a_plan_has_nothing_to_do_and_nothing_is_left_over(cluster: Cluster, tmp_path: Path) -> None:
    url = json.loads(cloudk8s(cluster.environment, "offline", "status", "--output", "json"))["url"]
    settings = {"region": "us-east-1", "endpoint_url": url, "offline": True}
    clouds = {
        "clouds": [{"name": "aws", "provider": "aws", "settings": settings}],
        "controllers": {"cluster": "clouded"},
    }
    config = tmp_path / "clouds.yaml"
    config.write_text(json.dumps(clouds))
    cluster.kubectl("create", "service", "loadbalancer", "planned", "--tcp=80:80")
    cluster.kubectl(
        "wait", "--for=jsonpath={.status.loadBalancer.ingress[0].hostname}", "service/planned", "--timeout=30s"
    )
    options = ("--config", str(config), "--kubeconfig", cluster.environment["KUBECONFIG"])
    assert "nothing to do" in cloudk8s(cluster.environment, "lb", "plan", *options)
    assert "nothing is left over" in cloudk8s(cluster.environment, "lb", "gc", *options)
    cluster.kubectl("delete", "service", "planned", "--timeout=30s")
