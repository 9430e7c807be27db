"""One cluster whose nodes are in two clouds, with Services in both: AWS by its own API, and EC2 and ELB by libcloud."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest

from tests.e2e.conftest import ROOT, environment_in

pytestmark = pytest.mark.kubectl
EAST, WEST = "us-east-1", "us-west-2"
TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}


@dataclass(frozen=True)
class Site:
    """The API server, the emulator that plays both clouds, and how to call kubectl."""

    kubeconfig: Path
    url: str
    health: str

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def client(self, service: str, region: str) -> Any:
        session: Any = boto3
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return session.client(service, endpoint_url=self.url, region_name=region, **keys)

    def instance(self, region: str, node: str) -> str:
        """The id of a node's instance, by its Name tag."""
        found = self.client("ec2", region).describe_instances(Filters=[{"Name": "tag:Name", "Values": [node]}])
        return str(found["Reservations"][0]["Instances"][0]["InstanceId"])


def clouds(url: str) -> dict[str, Any]:
    host, port = url.removeprefix("http://").split(":")
    place = {"host": host, "port": int(port), "secure": False, "region": WEST}
    keys = {"key": "x", "secret": "x", "emulator": True}
    libcloud = {
        "driver": "ec2", **keys, "options": {**place, "signature_version": "4"},
        "load_balancer": {"driver": "elb", "options": {**place, "root": "/"}},
    }  # fmt: skip
    return {
        "clouds": [
            {"name": "east", "provider": "aws", "settings": {"region": EAST, "endpoint_url": url, "offline": True}},
            {"name": "west", "provider": "libcloud", "settings": libcloud},
        ],
        "controllers": {"cluster": "both", "cluster_cidrs": ["10.244.0.0/16"]},
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    from cloudk8s_aws.testing import served_account

    home = tmp_path_factory.mktemp("both")
    health = f"https://127.0.0.1:{free_port()}"
    with served_account() as url, started(home, Site(home / "admin.conf", url, health)) as site:
        yield site


@contextmanager
def started(home: Path, site: Site) -> Iterator[Site]:
    config = home / "clouds.yaml"
    config.write_text(json.dumps(clouds(site.url)))
    out = ("--kubeconfig-out", str(site.kubeconfig))
    port = site.health.rpartition(":")[2]
    options = (
        "--config",
        str(config),
        "--kubeconfig",
        str(site.kubeconfig),
        "--no-leader-elect",
        "--secure-port",
        port,
        "--authorization-always-allow-paths",
        "/*",
    )
    with (
        running(home, "apiserver", "--data-dir", str(home / "data"), "--secure-port", "0", *out),
        waited_for(site),
        running(home, "cloud-controller-manager", *options),
    ):
        yield site


@contextmanager
def running(home: Path, *arguments: str) -> Iterator[None]:
    """One of our commands, until the block ends."""
    with (home / f"{arguments[0]}.log").open("w") as log:
        command = [sys.executable, "-m", "cloudk8s", *arguments]
        process = subprocess.Popen(command, env=environment_in(home), cwd=ROOT, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def waited_for(site: Site) -> Iterator[None]:
    """The API server answers, and there is a node for an instance in each cloud."""
    until(lambda: site.kubeconfig.exists())
    until(lambda: "default" in site.kubectl("get", "namespaces"))
    prepare(site)
    yield


def prepare(site: Site) -> None:
    """An instance in each cloud, and a node in the cluster for each of them."""
    from cloudk8s_aws.offline import prepare as prepare_aws
    from cloudk8s_aws.settings import AwsSettings

    prepare_aws(AwsSettings(region=EAST, endpoint_url=site.url, offline=True), cluster="both", nodes=["alice"])
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "bob"}]}]
    site.client("ec2", WEST).run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.small", TagSpecifications=tags
    )
    for name in ("alice", "bob"):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": [TAINT]}}
        site.kubectl("create", "-f", "-", stdin=json.dumps(node))


def test_each_node_belongs_to_its_cloud(site: Site) -> None:
    site.kubectl("wait", "--for=jsonpath={.spec.providerID}", "nodes", "--all", "--timeout=40s")
    nodes = {e["metadata"]["name"]: e for e in json.loads(site.kubectl("get", "nodes", "-o", "json"))["items"]}
    alice, bob = nodes["alice"]["spec"]["providerID"], nodes["bob"]["spec"]["providerID"]
    assert alice.startswith("aws:///us-east-1")
    assert alice.endswith(site.instance(EAST, "alice"))
    assert bob == f"libcloud://west/{site.instance(WEST, 'bob')}"
    for node in nodes.values():
        assert not any(taint["key"] == TAINT["key"] for taint in node["spec"].get("taints", []))
        assert any(entry["type"] == "InternalIP" for entry in node["status"]["addresses"])


def test_services_are_balanced_in_the_cloud_that_they_name(site: Site) -> None:
    kubectl = site.kubectl
    kubectl("create", "service", "loadbalancer", "here", "--tcp=80:80")
    kubectl("create", "service", "loadbalancer", "there", "--tcp=80:80")
    kubectl("annotate", "service", "there", "cloudk8s.io/cloud=west")
    for name in ("here", "there"):
        kubectl("wait", "--for=jsonpath={.status.loadBalancer.ingress[0].hostname}", f"service/{name}", "--timeout=40s")
    east, west = site.client("elbv2", EAST), site.client("elb", WEST)
    until(lambda: kubectl("get", "service", "there", "-o", hostname()) == classic(west)["DNSName"])
    [balancer] = until(lambda: east.describe_load_balancers()["LoadBalancers"], size=1)
    assert kubectl("get", "service", "here", "-o", hostname()) == balancer["DNSName"]
    [group] = until(lambda: east.describe_target_groups()["TargetGroups"], size=1)
    health = east.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    assert [entry["Target"]["Id"] for entry in health] == [site.instance(EAST, "alice")]
    assert [entry["InstanceId"] for entry in classic(west)["Instances"]] == [site.instance(WEST, "bob")]


def test_both_clouds_are_empty_when_the_services_are_gone(site: Site) -> None:
    site.kubectl("delete", "service", "here", "there", "--timeout=40s")
    east, west = site.client("elbv2", EAST), site.client("elb", WEST)
    assert east.describe_load_balancers()["LoadBalancers"] == []
    assert east.describe_target_groups()["TargetGroups"] == []
    assert west.describe_load_balancers()["LoadBalancerDescriptions"] == []


def test_the_manager_tells_its_health_its_calls_and_its_settings(site: Site) -> None:
    trust = ssl._create_unverified_context()
    paths = ("healthz", "metrics", "configz")
    pages = {path: urlopen(f"{site.health}/{path}", context=trust).read().decode() for path in paths}
    assert pages["healthz"] == "ok"
    assert 'cloudk8s_cloud_call_duration_seconds_count{cloud="west",method="ensure",outcome="ok"}' in pages["metrics"]
    assert 'service_controller_loadbalancer_sync_total{result="success"}' in pages["metrics"]
    assert "node_controller_cloud_provider_taint_removal_delay_seconds_count 2.0" in pages["metrics"]
    assert json.loads(pages["configz"])["cloudcontrollermanager.config.k8s.io"]["clouds"] == ["east", "west"]


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def hostname() -> str:
    return "jsonpath={.status.loadBalancer.ingress[0].hostname}"


def classic(elb: Any) -> dict[str, Any]:
    found = elb.describe_load_balancers()["LoadBalancerDescriptions"]
    return dict(found[0]) if found else {"DNSName": "none yet", "Instances": []}


def until(look: Callable[[], Any], *, size: int = 0, seconds: float = 40) -> Any:
    """What `look` sees, once it is true (and has so many entries)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found and (not size or len(found) == size):
            return found
        time.sleep(0.3)
    raise AssertionError("it did not come")
