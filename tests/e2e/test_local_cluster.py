"""A cluster on hosts within this host, from a command to joined nodes and back to nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, cloudk8s, environment_in
from tests.e2e.test_network import WEB

pytestmark = [pytest.mark.kubectl, pytest.mark.root]
NAME = "joined"


def kernel(network: str) -> list[str]:
    """What this host's kernel has of a network: namespaces, bridges, tables. Other clusters have theirs."""
    mark = hashlib.sha256(network.encode()).hexdigest()[:8]
    commands = (["ip", "netns"], ["ip", "-br", "link"], ["nft", "list", "tables"])
    said = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands]
    return [line for text in said for line in text.splitlines() if mark in line]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    return environment_in(tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def cluster(environment: dict[str, str]) -> Iterator[Cluster]:
    said = cloudk8s(
        environment, "cluster", "create", NAME, "--provider", "local", "--workers", "2", "--kubernetes-version", "1.36"
    )
    assert "kubectl get nodes" in said
    described = json.loads(cloudk8s(environment, "cluster", "describe", NAME, "--output", "json"))
    network = next(entry["id"] for entry in described["resources"] if entry["type"] == "network")
    assert kernel(network)
    yield Cluster(NAME, environment)
    said = cloudk8s(environment, "cluster", "delete", NAME, "--yes")
    assert "nothing is left" in said
    assert kernel(network) == []
    data = Path(environment["XDG_DATA_HOME"])
    assert not list((data / "cloudk8s" / ".clusters").glob(f"{NAME}.*"))
    assert not list((data / "cloudk8s-machines" / "machines").glob("*"))


def ready_nodes(cluster: Cluster) -> list[str]:
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    return [
        node["metadata"]["name"]
        for node in nodes
        if any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"]["conditions"])
    ]


def fetched(address: str) -> str:
    """What a load balancer answers; its members' tables may be a moment behind it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_machines_join_and_no_token_is_left(cluster: Cluster) -> None:
    assert len(ready_nodes(cluster)) == 3
    requests = json.loads(cluster.kubectl("get", "csr", "-o", "json"))["items"]
    reasons = [request["status"]["conditions"][0]["reason"] for request in requests]
    assert reasons == ["CloudConfirmed"] * 2
    secrets = json.loads(cluster.kubectl("get", "secrets", "-n", "kube-system", "-o", "json"))["items"]
    cloudk8s(cluster.environment, "cluster", "apply", NAME)
    secrets = json.loads(cluster.kubectl("get", "secrets", "-n", "kube-system", "-o", "json"))["items"]
    assert [entry for entry in secrets if entry["type"] == "bootstrap.kubernetes.io/token"] == []


def test_a_load_balancer_answers(cluster: Cluster) -> None:
    kubectl = cluster.kubectl
    kubectl("apply", "-f", "-", stdin=json.dumps(WEB))
    kubectl("expose", "deployment", "web", "--type=LoadBalancer", "--port=80", "--target-port=8080")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    address = ""
    deadline = time.monotonic() + 20
    while not address and time.monotonic() < deadline:
        address = kubectl("get", "service", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
        time.sleep(0.1)
    pods: set[str] = set()
    while len(pods) < 2 and time.monotonic() < deadline:
        pods.add(fetched(address).split()[0])
    nodes = {entry["spec"]["nodeName"] for entry in json.loads(kubectl("get", "pods", "-o", "json"))["items"]}
    assert len(pods) == 2
    assert all("workers" in node for node in nodes)


def test_plan_is_empty_and_describe_knows_the_nodes(cluster: Cluster) -> None:
    assert "nothing to do" in cloudk8s(cluster.environment, "cluster", "plan", NAME)
    described = json.loads(cloudk8s(cluster.environment, "cluster", "describe", NAME, "--output", "json"))
    assert [machine["phase"] for machine in described["machines"]] == ["Running"] * 3


def test_kubeconfig_is_made_of_the_cluster_alone(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "other.conf"
    file.write_text(cloudk8s(cluster.environment, "cluster", "kubeconfig", NAME))
    command = ["kubectl", "--kubeconfig", str(file), "auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=cluster.environment).stdout
    assert "system:masters" in said


def test_scaling_down_empties_nodes_first(cluster: Cluster) -> None:
    said = cloudk8s(cluster.environment, "cluster", "scale", NAME, "--workers", "1")
    assert "shrinks to 1" in said
    assert len(ready_nodes(cluster)) == 2
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    said = cloudk8s(cluster.environment, "cluster", "scale", NAME, "--workers", "2")
    assert len(ready_nodes(cluster)) == 3


def test_a_machine_that_died_is_replaced(cluster: Cluster) -> None:
    machines = Path(cluster.environment["XDG_DATA_HOME"]) / "cloudk8s-machines" / "machines"
    described = json.loads(cloudk8s(cluster.environment, "cluster", "describe", NAME, "--output", "json"))
    victim = next(machine for machine in described["machines"] if machine["group"] == "workers")
    os.kill(int((machines / victim["id"] / "pid").read_text().split()[0]), signal.SIGKILL)
    assert "it has stopped" in cloudk8s(cluster.environment, "cluster", "apply", NAME)
    assert len(ready_nodes(cluster)) == 3


def test_an_upgrade_keeps_everything(cluster: Cluster) -> None:
    kubectl = cluster.kubectl
    address = kubectl("get", "service", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
    said = cloudk8s(cluster.environment, "cluster", "upgrade", NAME, "--kubernetes-version", "1.37")
    assert said.count("is replaced: version 1.36 → 1.37") == 3
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    assert [node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes] == ["v1.37.0"] * 3
    assert len(ready_nodes(cluster)) == 3
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    assert kubectl("get", "service", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}") == address
    assert fetched(address)
