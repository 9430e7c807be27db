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


INGRESS = """
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: alb}
spec: {controller: ingress.k8s.aws/alb}
---
apiVersion: v1
kind: Service
metadata: {name: site}
spec: {type: NodePort, selector: {app: site}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: site, annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}}
spec:
  ingressClassName: alb
  rules:
    - host: shop.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: site, port: {number: 80}}}}]}
"""


def test_an_ingress_is_an_application_load_balancer_and_leaves_nothing(cluster: Cluster) -> None:
    kubectl, balancers = cluster.kubectl, account(cluster, "elbv2")
    kubectl("apply", "-f", "-", stdin=INGRESS)
    kubectl("wait", "--for=jsonpath={.status.loadBalancer.ingress[0].hostname}", "ingress/site", "--timeout=40s")
    [made] = balancers.describe_load_balancers()["LoadBalancers"]
    assert (made["Type"], made["Scheme"]) == ("application", "internet-facing")
    assert made["DNSName"] in kubectl("get", "ingress", "site")
    kubectl("delete", "ingress", "site", "--timeout=40s")
    assert balancers.describe_load_balancers()["LoadBalancers"] == []
    assert balancers.describe_target_groups()["TargetGroups"] == []
    kubectl("delete", "service", "site")


def test_a_target_group_of_somebody_else_gets_the_nodes(cluster: Cluster) -> None:
    kubectl, balancers = cluster.kubectl, account(cluster, "elbv2")
    vpc = account(cluster, "ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    group = balancers.create_target_group(Name="theirs", Protocol="TCP", Port=80, VpcId=vpc, TargetType="instance")
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    kubectl("create", "service", "nodeport", "bound", "--tcp=80:80")
    binding = {
        "apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding", "metadata": {"name": "bound"},
        "spec": {"targetGroupARN": arn, "serviceRef": {"name": "bound", "port": 80}},
    }  # fmt: skip
    kubectl("apply", "-f", "-", stdin=json.dumps(binding))
    kubectl("wait", "--for=jsonpath={.status.observedGeneration}=1", "targetgroupbinding/bound", "--timeout=40s")
    assert len(balancers.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]) == 3
    assert arn in kubectl("get", "targetgroupbindings")
    kubectl("delete", "targetgroupbinding", "bound", "--timeout=40s")
    balancers.delete_target_group(TargetGroupArn=arn)
    kubectl("delete", "service", "bound")


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
