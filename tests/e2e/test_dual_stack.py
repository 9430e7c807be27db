"""A cluster of both families: pods, Services and names by IPv4 and IPv6."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started
from tests.e2e.test_network import WEB, eventually, field, pods_behind

pytestmark = [pytest.mark.kubectl, pytest.mark.root]
RANGES = ("--service-cluster-ip-range", "10.90.0.0/16,fd00:90::/112", "--cluster-cidr", "10.230.0.0/16,fd00:230::/56")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None or os.geteuid() != 0:
        pytest.skip("needs kubectl, and root for addresses of pods")
    if not Path("/proc/sys/net/ipv6").exists():
        pytest.skip("this host has no IPv6")
    cluster = started(tmp_path_factory.mktemp("dual"), "dual", *RANGES)
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "dual", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    server = "http.server.HTTPServer(("
    both = f"http.server.HTTPServer.address_family = 10; {server}"
    deployment = json.loads(json.dumps(WEB).replace(server, both))
    kubectl("apply", "-f", "-", stdin=json.dumps(deployment))
    spec = {"ipFamilyPolicy": "RequireDualStack", "type": "NodePort", "selector": {"app": "web"}}
    spec["ports"] = [{"port": 80, "targetPort": 8080}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
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


def test_pods_reach_each_other_by_ipv6(kubectl: Kubectl):
    pods = json.loads(kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    for pod in pods:
        _, six = (entry["ip"] for entry in pod["status"]["podIPs"])
        said = kubectl("exec", "deployment/web", "--", "curl", "-s", "-g", "-m", "3", f"http://[{six}]:8080/")
        assert said.split()[0] == pod["metadata"]["name"]


def test_ranges_are_remembered_and_nothing_is_left(cluster: Cluster, kubectl: Kubectl):
    before = field(kubectl, ".spec.clusterIPs")
    cloudk8s(cluster.environment, "down", "--name", "dual")
    cloudk8s(cluster.environment, "up", "--detach", "--port", "0", "--name", "dual")
    assert field(kubectl, ".spec.clusterIPs") == before
    eventually(lambda: bool(pods_behind(f"[{json.loads(before)[1]}]")))
    cloudk8s(cluster.environment, "down", "--name", "dual", "--purge")
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    assert "cloudk8s-dual" not in tables
