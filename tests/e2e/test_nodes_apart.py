"""Three nodes, two of them on hosts of their own within this one: pods and Services across them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started
from tests.e2e.test_network import WEB, eventually, field, pods_behind

pytestmark = [pytest.mark.kubectl, pytest.mark.root]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("hosts of their own need privileges")
    cluster = started(tmp_path_factory.mktemp("apart"), "apart", "--nodes", "3")
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "apart", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    spread = [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}]
    spread[0]["labelSelector"] = WEB["spec"]["selector"]
    deployment = json.loads(json.dumps(WEB))
    deployment["spec"]["replicas"] = 3
    deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] = spread
    kubectl("apply", "-f", "-", stdin=json.dumps(deployment))
    kubectl("expose", "deployment", "web", "--type=LoadBalancer", "--port=80", "--target-port=8080")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return kubectl


def pods(kubectl: Kubectl) -> list[dict]:
    return items(kubectl, "pods", "-l", "app=web")


def items(kubectl: Kubectl, *what: str) -> list[dict]:
    return json.loads(kubectl("get", *what, "-o", "json"))["items"]


def test_nodes_have_addresses_of_their_own(kubectl: Kubectl):
    addresses = field(kubectl, ".items[*].status.addresses[0].address", "nodes").split()
    assert len(set(addresses)) == 3
    assert len({pod["spec"]["nodeName"] for pod in pods(kubectl)}) == 3
    ranges = {node["metadata"]["name"]: ip_network(node["spec"]["podCIDR"]) for node in items(kubectl, "nodes")}
    assert all(ip_address(pod["status"]["podIP"]) in ranges[pod["spec"]["nodeName"]] for pod in pods(kubectl))
    assert len(set(ranges.values())) == 3


def test_the_proxy_of_every_node_tells_how_it_is(kubectl: Kubectl):
    """On the first node, which is this host itself, another cluster may have the port."""
    for node in items(kubectl, "nodes")[1:]:
        with urllib.request.urlopen(f"http://{node['status']['addresses'][0]['address']}:10256/healthz") as answer:
            assert (answer.status, json.load(answer)["nodeEligible"]) == (200, True)


def test_pods_reach_pods_of_other_nodes_and_keep_their_address(kubectl: Kubectl):
    for source in pods(kubectl):
        for target in pods(kubectl):
            address = target["status"]["podIP"]
            command = ("exec", source["metadata"]["name"], "--", "curl", "-s", "-m", "3", f"http://{address}:8080/")
            wanted = f"{target['metadata']['name']} {source['status']['podIP']}"
            eventually(lambda command=command, wanted=wanted: kubectl.run(*command).stdout == wanted)


def test_services_answer_on_every_node_and_in_every_pod(kubectl: Kubectl):
    names = {pod["metadata"]["name"] for pod in pods(kubectl)}
    port = int(field(kubectl, ".spec.ports[0].nodePort"))
    for address in field(kubectl, ".items[*].status.addresses[0].address", "nodes").split():
        assert pods_behind(address, port) == names
    assert pods_behind(field(kubectl, ".status.loadBalancer.ingress[0].ip")) == names
    for name in names:
        assert kubectl("exec", name, "--", "curl", "-s", "http://web/").split()[0] in names
        assert '"major"' in kubectl("exec", name, "--", "curl", "-sk", "https://kubernetes.default/version")


def test_policies_hold_on_every_node(kubectl: Kubectl):
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": spec,
    }
    source, *others = pods(kubectl)

    def reached() -> int:
        found = 0
        for target in others:
            url = f"http://{target['status']['podIP']}:8080/"
            found += kubectl.run("exec", source["metadata"]["name"], "--", "curl", "-s", "-m", "1", url).returncode == 0
        return found

    kubectl("apply", "-f", "-", stdin=json.dumps(policy))
    eventually(lambda: reached() == 0)
    kubectl("delete", "networkpolicy", "closed")
    eventually(lambda: reached() == 2)


@pytest.mark.slow
def test_pods_of_a_node_that_is_powered_off_are_moved(kubectl: Kubectl):
    """The node's cable is pulled, which is all that others see of a host without power."""
    nodes = field(kubectl, ".items[*].metadata.name", "nodes").split()
    cable = cable_of(nodes[1])
    unreachable = [
        {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}
        for key in ("unreachable", "not-ready")
    ]
    there = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [nodes[1]]}]}
    moving = json.loads(json.dumps(WEB).replace('"web"', '"moving"'))
    moving["spec"]["replicas"] = 1
    preferred = [{"weight": 100, "preference": there}]
    moving["spec"]["template"]["spec"] |= {
        "tolerations": unreachable,
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(moving))
    kubectl("rollout", "status", "deployment/moving", "--timeout=30s")
    kubectl("expose", "deployment", "moving", "--port=80", "--target-port=8080")
    where = ("pods", "-l", "app=moving", "--field-selector=status.phase=Running")
    assert field(kubectl, ".items[*].spec.nodeName", *where) == nodes[1]
    subprocess.run(["ip", "link", "set", cable, "down"], check=True)
    try:
        eventually(lambda: moved(kubectl, nodes[1]), seconds=120)
        eventually(lambda: "moving-" in kubectl.run("exec", first_pod(kubectl, nodes[0]), "--", *CURL).stdout)
        assert "NotReady" in kubectl("get", "node", nodes[1])
    finally:
        subprocess.run(["ip", "link", "set", cable, "up"], check=True)
    kubectl("wait", f"node/{nodes[1]}", "--for=condition=Ready", "--timeout=60s")


CURL = ("curl", "-s", "-m", "3", "http://moving/")


def moved(kubectl: Kubectl, away_from: str) -> bool:
    items = json.loads(kubectl("get", "pods", "-l", "app=moving", "-o", "json"))["items"]
    ready = [pod for pod in items if {"type": "Ready", "status": "True"}.items() <= ready_condition(pod).items()]
    return any(pod["spec"]["nodeName"] != away_from for pod in ready)


def ready_condition(pod: dict) -> dict:
    return next((each for each in pod["status"].get("conditions", ()) if each["type"] == "Ready"), {})


def first_pod(kubectl: Kubectl, node: str) -> str:
    return next(pod["metadata"]["name"] for pod in pods(kubectl) if pod["spec"]["nodeName"] == node)


def cable_of(node: str) -> str:
    """The near end of the cable of a node's host."""
    found = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    namespace = next(
        line.split()[0]
        for line in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout.splitlines()
        if line.split()[0].endswith(f"-{node}") and is_of_this_cluster(line.split()[0])
    )
    index = (
        subprocess.run(
            ["ip", "-n", namespace, "-o", "link", "show", "eth0"], capture_output=True, text=True, check=True
        )
        .stdout.split("@if")[1]
        .split(":")[0]
    )
    return next(line.split()[1].split("@")[0] for line in found.splitlines() if line.split(":")[0] == index)


def is_of_this_cluster(namespace: str) -> bool:
    """Other clusters of this host may have nodes of the same names."""
    pids = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=True).stdout.split()
    return any(b"/apart/" in Path("/proc", pid, "cmdline").read_bytes() for pid in pids)


def test_nothing_is_left_after_a_purge(cluster: Cluster, kubectl: Kubectl):
    cloudk8s(cluster.environment, "down", "--name", "apart", "--purge")
    commands = (["ip", "netns"], ["ip", "route"], ["nft", "list", "tables"])
    said = "".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands)
    assert "cloudk8s-apart" not in said
    assert "proto 117" not in said
