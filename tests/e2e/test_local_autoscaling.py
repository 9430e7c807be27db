"""Machines for pods that wait, and none that nobody needs, as a person asks for them on hosts within this host."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cluster, cloudk8s, environment_in

pytestmark = [pytest.mark.kubectl, pytest.mark.root, pytest.mark.slow]
NAME = "scaled"
MOST = 2
FILE = f"""
name: {NAME}
provider: local
pools:
- {{name: workers, min: 1, max: {MOST}}}
addons: [extra]
"""
ADDONS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: motd, namespace: tools}
data: {text: hello}
---
apiVersion: v1
kind: Namespace
metadata: {name: tools}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    home: Path = tmp_path_factory.mktemp("scaled")
    environment = environment_in(home)
    (home / "cluster.yaml").write_text(FILE)
    (home / "extra").mkdir()
    (home / "extra" / "motd.yaml").write_text(ADDONS)
    cloudk8s(environment, "cluster", "create", "-f", str(home / "cluster.yaml"))
    try:
        yield Cluster(NAME, environment)
    finally:
        assert "nothing is left" in cloudk8s(environment, "cluster", "delete", NAME, "--yes")


def deployment(replicas: int) -> dict[str, Any]:
    """Pods of which a node of this host holds one."""
    cpus = f"{(os.cpu_count() or 1) * 600}m"
    container = {
        "name": "sleep", "image": "host", "command": ["sleep", "3600"], "resources": {"requests": {"cpu": cpus}},
    }  # fmt: skip
    pod = {"containers": [container], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": {"app": "big"}}, "spec": pod}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "big"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "big"}, "spec": spec}


def explained(cluster: Cluster) -> Any:
    return json.loads(cloudk8s_out(cluster, "cluster", "explain", NAME, "--output", "json"))


def cloudk8s_out(cluster: Cluster, *words: str) -> str:
    said = cloudk8s(cluster.environment, *words)
    return said[said.index("{") :]


def waiting(cluster: Cluster) -> int:
    """How many pods the scheduler has found no node for."""
    pods = json.loads(cluster.kubectl("get", "pods", "-o", "json"))["items"]
    return sum(condition.get("reason") == "Unschedulable" for pod in pods for condition in pod["status"]["conditions"])


def test_what_the_file_adds_is_there(cluster: Cluster) -> None:
    assert cluster.kubectl("get", "configmap", "motd", "-n", "tools", "-o", "jsonpath={.data.text}") == "hello"


def test_a_machine_is_made_for_pods_that_wait_and_goes_when_they_have_gone(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(deployment(3)))
    cluster.kubectl("wait", "--for=condition=PodScheduled=False", "pod", "-l", "app=big", "--timeout=30s", check=False)
    assert waiting(cluster) == 2
    found = explained(cluster)
    assert [(each["pool"], each["type"], len(each["pods"])) for each in found["machines"]] == [("workers", "host", 1)]
    assert [len(each["pods"]) for each in found["refused"]] == [1]
    assert "in pools at their maximum (workers)" in found["refused"][0]["reason"]
    told = cloudk8s(cluster.environment, "cluster", "autoscale", NAME, "--once")
    assert "pool workers: 1 ×" in told
    cluster.kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", "deployment/big", "--timeout=60s")
    assert cluster.kubectl("get", "nodes").count(" Ready") == MOST + 1
    cluster.kubectl("scale", "deployment", "big", "--replicas=0")
    cluster.kubectl("wait", "--for=delete", "pod", "-l", "app=big", "--timeout=60s")
    assert [(each["pool"]) for each in explained(cluster)["removable"]] == ["workers"]
    told = cloudk8s(cluster.environment, "cluster", "autoscale", NAME, "--once", "--unneeded-for", "0s")
    assert "goes: its pods fit elsewhere" in told
    assert cluster.kubectl("get", "nodes").count(" Ready") == 2
    described = json.loads(cloudk8s_out(cluster, "cluster", "describe", NAME, "--output", "json"))
    assert described["declaration"]["pools"][0].get("replicas", 1) == 1
