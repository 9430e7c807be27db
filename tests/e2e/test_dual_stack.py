"""A cluster of both families on two nodes, one of them apart: pods, Services, policies and names by IPv4 and IPv6."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started
from tests.e2e.test_network import WEB, eventually, field, pods_behind

pytestmark = [pytest.mark.kubectl, pytest.mark.root, pytest.mark.slow]
NODES = ("--nodes", "2")
RANGES = ("--service-cluster-ip-range", "10.90.0.0/16,fd00:90::/112", "--cluster-cidr", "10.230.0.0/16,fd00:230::/56")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None or os.geteuid() != 0:
        pytest.skip("needs kubectl, and root for addresses of pods")
    if not Path("/proc/sys/net/ipv6").exists():
        pytest.skip("this host has no IPv6")
    cluster = started(tmp_path_factory.mktemp("dual"), "dual", *NODES, *RANGES)
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "dual", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    server = "http.server.HTTPServer(("
    both = f"http.server.HTTPServer.address_family = 10; {server}"
    deployment = json.loads(json.dumps(WEB).replace(server, both))
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    spread["labelSelector"] = WEB["spec"]["selector"]
    deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] = [spread]
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    kubectl("apply", "-f", "-", stdin=json.dumps(deployment))
    spec = {"ipFamilyPolicy": "RequireDualStack", "type": "NodePort", "selector": {"app": "web"}}
    spec["ports"] = [{"port": 80, "targetPort": 8080}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    kubectl("apply", "-f", "-", stdin=json.dumps(service))
    service["metadata"]["name"], spec["clusterIP"], spec["type"] = "each", "None", "ClusterIP"
    kubectl("apply", "-f", "-", stdin=json.dumps(service))
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return kubectl


def test_services_answer_in_both_families_on_the_host_and_in_pods(kubectl: Kubectl):
    names = set(field(kubectl, ".items[*].metadata.name", "pods", "-l", "app=web").split())
    four, six = json.loads(field(kubectl, ".spec.clusterIPs"))
    assert six.startswith("fd00:90::")
    for address in (four, f"[{six}]"):
        eventually(lambda address=address: pods_behind(address) == names)
        script = f"for i in $(seq 10); do curl -s -g -m 2 'http://{address}/' || echo failed; echo; done"
        answers = kubectl("exec", "deployment/web", "--", "sh", "-c", script).split("\n")
        assert {answer.split()[0] for answer in answers if answer} <= names


def test_names_have_addresses_of_both_families(kubectl: Kubectl):
    four, six = json.loads(field(kubectl, ".spec.clusterIPs"))
    for command, address in (("ahostsv4", four), ("ahostsv6", six)):
        assert kubectl("exec", "deployment/web", "--", "getent", command, "web").split()[0] == address


def test_names_of_pods_have_addresses_of_both_families(kubectl: Kubectl):
    for command, family in (("ahostsv4", 0), ("ahostsv6", 1)):
        said = kubectl("exec", "deployment/web", "--", "getent", command, "each").splitlines()
        assert {line.split()[0] for line in said} == {addresses(pod)[family] for pod in pods(kubectl)}


def test_pods_reach_each_other_across_nodes_by_ipv6_and_keep_their_address(kubectl: Kubectl):
    assert len({pod["spec"]["nodeName"] for pod in pods(kubectl)}) == 2
    for source in pods(kubectl):
        for target in pods(kubectl):
            url = f"http://[{addresses(target)[1]}]:8080/"
            command = ("exec", source["metadata"]["name"], "--", "curl", "-s", "-g", "-m", "3", url)
            wanted = f"{target['metadata']['name']} {addresses(source)[1]}"
            eventually(lambda command=command, wanted=wanted: kubectl.run(*command).stdout == wanted)


def test_node_ports_answer_at_the_nodes_addresses_of_both_families(kubectl: Kubectl):
    names = {pod["metadata"]["name"] for pod in pods(kubectl)}
    port = int(field(kubectl, ".spec.ports[0].nodePort"))
    for node in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]:
        found = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
        assert [":" in address for address in found] == [False, True]
        for address in (found[0], f"[{found[1]}]"):
            eventually(lambda address=address: pods_behind(address, port) == names)


def test_a_load_balancer_has_an_address_of_each_family(kubectl: Kubectl):
    spec = {"ipFamilyPolicy": "RequireDualStack", "type": "LoadBalancer", "selector": {"app": "web"}}
    spec["ports"] = [{"port": 80, "targetPort": 8080}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "balanced"}, "spec": spec}
    kubectl("apply", "-f", "-", stdin=json.dumps(service))
    path, what = ".status.loadBalancer.ingress[*].ip", ("service", "balanced")
    eventually(lambda: len(field(kubectl, path, *what).split()) == 2)
    four, six = field(kubectl, path, *what).split()
    names = {pod["metadata"]["name"] for pod in pods(kubectl)}
    for address in (four, f"[{six}]"):
        eventually(lambda address=address: pods_behind(address) == names)
    kubectl("delete", "service", "balanced")


def test_a_network_policy_holds_for_both_families(kubectl: Kubectl):
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "closed"}}
    source, target = pods(kubectl)
    urls = [f"http://{address}:8080/" for address in (addresses(target)[0], f"[{addresses(target)[1]}]")]

    def reached() -> list[bool]:
        name = source["metadata"]["name"]
        runs = [kubectl.run("exec", name, "--", "curl", "-s", "-g", "-m", "1", url) for url in urls]
        return [run.returncode == 0 for run in runs]

    kubectl("apply", "-f", "-", stdin=json.dumps(policy | {"spec": spec}))
    eventually(lambda: reached() == [False, False])
    kubectl("delete", "networkpolicy", "closed")
    eventually(lambda: reached() == [True, True])


def pods(kubectl: Kubectl) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    return found


def addresses(pod: dict[str, Any]) -> list[str]:
    return [entry["ip"] for entry in pod["status"]["podIPs"]]


def test_ranges_are_remembered_and_nothing_is_left(cluster: Cluster, kubectl: Kubectl):
    before = field(kubectl, ".spec.clusterIPs")
    cloudk8s(cluster.environment, "down", "--name", "dual")
    cloudk8s(cluster.environment, "up", "--detach", "--port", "0", "--name", "dual", *NODES)
    assert field(kubectl, ".spec.clusterIPs") == before
    eventually(lambda: bool(pods_behind(f"[{json.loads(before)[1]}]")))
    cloudk8s(cluster.environment, "down", "--name", "dual", "--purge")
    commands = (["nft", "list", "tables"], ["ip", "-6", "route"], ["ip", "-6", "address"])
    left = "".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands)
    assert "cloudk8s-dual" not in left
    assert "fd00:230:" not in left
