"""Simulated nodes that die and come back, and pods that fail, under the real controllers and kubectl."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]
DOWN = "simulated.cloudk8s.io/down"
IMPATIENT = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}
    for key in ("not-ready", "unreachable")
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    home = tmp_path_factory.mktemp("lives")
    cluster = started(home, "lives", "--nodes", "0", "--simulated-nodes", "2", "--simulated-seed", "1")
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "lives", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    until(lambda: "default" in cluster.kubectl("get", "serviceaccounts"))
    return cluster.kubectl


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.5)


def pods(kubectl: Kubectl, node: str, *, going: bool) -> list[str]:
    items = json.loads(kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    on_node = [item["metadata"] for item in items if item["spec"].get("nodeName") == node]
    return [metadata["name"] for metadata in on_node if ("deletionTimestamp" in metadata) == going]


def test_pods_of_a_dead_node_move_and_are_gone_when_it_is_back(kubectl: Kubectl) -> None:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "nginx"}], "tolerations": IMPATIENT},
    }
    spec = {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=json.dumps(web))
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    before = pods(kubectl, "sim-0", going=False)
    assert before
    kubectl("annotate", "node", "sim-0", f"{DOWN}=true")
    until(lambda: kubectl("get", "node", "sim-0", "--no-headers").split()[1] == "NotReady", seconds=90)
    reason = "{.status.conditions[?(@.type=='Ready')].reason}"
    assert kubectl("get", "node", "sim-0", "-o", f"jsonpath={reason}") == "NodeStatusUnknown"
    until(lambda: len(pods(kubectl, "sim-1", going=False)) == 4)
    assert sorted(pods(kubectl, "sim-0", going=True)) == sorted(before)
    kubectl("annotate", "node", "sim-0", f"{DOWN}-")
    until(lambda: kubectl("get", "node", "sim-0", "--no-headers").split()[1] == "Ready", seconds=30)
    until(lambda: not pods(kubectl, "sim-0", going=True), seconds=30)


def test_a_failing_container_is_restarted_and_backs_off(kubectl: Kubectl) -> None:
    told = ("--annotations=simulated.cloudk8s.io/run-seconds=1", "--annotations=simulated.cloudk8s.io/exit-code=7")
    kubectl("run", "flaky", "--image=nginx", *told)
    until(lambda: kubectl("get", "pod", "flaky", "--no-headers").split()[2] == "CrashLoopBackOff", seconds=30)
    assert kubectl("get", "pod", "flaky", "--no-headers").split()[1] == "0/1"
    described = kubectl("describe", "pod", "flaky")
    assert "Back-off restarting failed container flaky in pod flaky_default(" in described
    assert "Exit Code:    7" in described
    until(lambda: kubectl("get", "pod", "flaky", "-o", "jsonpath={.status.containerStatuses[0].restartCount}") == "2")
