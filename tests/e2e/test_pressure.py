"""A node that is short of memory by the marks it was given: it says so, evicts, and takes only what asks for memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Kubectl, cloudk8s, started
from tests.e2e.test_network import eventually

pytestmark = pytest.mark.kubectl
CONFIG = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
evictionSoft: {memory.available: 900Ti}
evictionSoftGracePeriod: {memory.available: 4s}
evictionMaxPodGracePeriod: 1
"""


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    home: Path = tmp_path_factory.mktemp("pressure")
    (home / "kubelet.yaml").write_text(CONFIG)
    cluster = started(home, "pressure", "--kubelet-config", str(home / "kubelet.yaml"))
    cluster.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    eventually(lambda: cluster.kubectl.run("get", "serviceaccount", "default").returncode == 0)
    yield cluster.kubectl
    cloudk8s(cluster.environment, "down", "--name", "pressure", "--purge")


def pod(name: str, node: str, **resources: Any) -> str:
    container = {"name": "main", "image": "host", "command": ["sleep", "1000"], "resources": resources}
    spec = {"containers": [container], "nodeName": node, "terminationGracePeriodSeconds": 1}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def shown(kubectl: Kubectl, name: str, path: str) -> str:
    return kubectl("get", "pod", name, "-o", f"jsonpath={{{path}}}")


def test_the_node_says_that_it_is_short_of_memory(kubectl: Kubectl) -> None:
    kubectl("wait", "nodes", "--all", "--for=condition=MemoryPressure", "--timeout=30s")
    path = "jsonpath={.items[0].spec.taints[*].key}"
    eventually(lambda: "node.kubernetes.io/memory-pressure" in kubectl("get", "nodes", "-o", path))


def test_it_refuses_who_asks_for_nothing_and_evicts_who_uses_more_than_it_asked_for(kubectl: Kubectl) -> None:
    node = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    kubectl("create", "-f", "-", stdin=pod("careless", node))
    kubectl("create", "-f", "-", stdin=pod("modest", node, requests={"memory": "1"}))
    eventually(lambda: shown(kubectl, "careless", ".status.reason") == "Evicted")
    assert "The node had condition: [MemoryPressure]" in shown(kubectl, "careless", ".status.message")
    eventually(lambda: shown(kubectl, "modest", ".status.reason") == "Evicted", seconds=40)
    assert shown(kubectl, "modest", ".status.message").startswith("The node was low on resource: memory. Threshold")
    why = shown(kubectl, "modest", ".status.conditions[?(@.type=='DisruptionTarget')].reason")
    assert why == "TerminationByKubelet"
    reasons = kubectl("get", "events", "-A", "-o", "jsonpath={.items[*].reason}").split()
    assert {"Evicted", "EvictionThresholdMet", "NodeHasInsufficientMemory"} <= set(reasons)
