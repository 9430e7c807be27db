"""A real node on this host: pods are processes that can be looked into, reached by Services, and are gone after."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started

pytestmark = pytest.mark.kubectl
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: server
        image: host
        workingDir: /data
        command: [sh, -c, 'echo serving; echo $GREETING > index.html; exec python3 -m http.server 8080']
        env:
        - {name: GREETING, valueFrom: {configMapKeyRef: {name: words, key: greeting}}}
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
FETCH = "import urllib.request; print(urllib.request.urlopen('http://web/', timeout=5).read().decode())"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("pods have addresses of their own only with privileges")
    cluster = started(tmp_path_factory.mktemp("node"), "node")
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "node", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    kubectl("create", "configmap", "words", "--from-literal=greeting=good-morning")
    kubectl("apply", "-f", "-", stdin=WEB)
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return kubectl


def test_logs_and_exec_reach_the_process(kubectl: Kubectl) -> None:
    assert "serving" in kubectl("logs", "deployment/web")
    assert kubectl("exec", "deployment/web", "--", "sh", "-c", "echo $GREETING").strip() == "good-morning"
    failed = kubectl.run("exec", "deployment/web", "--", "sh", "-c", "exit 7")
    assert failed.returncode == 7


def test_a_service_is_reached_by_its_name(kubectl: Kubectl) -> None:
    assert kubectl("exec", "deployment/web", "--", "python3", "-c", FETCH).strip() == "good-morning"


def test_a_pod_that_is_deleted_is_replaced(kubectl: Kubectl) -> None:
    names = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}").split()
    kubectl("delete", "pod", names[0], "--timeout=30s")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    after = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}").split()
    assert names[0] not in after
    assert names[1] in after


def test_nothing_is_left_on_the_host_after_a_purge(kubectl: Kubectl, cluster: Cluster) -> None:
    data = Path(cluster.environment["XDG_DATA_HOME"])
    assert traces(data)
    cloudk8s(cluster.environment, "down", "--name", "node", "--purge")
    assert not traces(data)
    assert not list(data.rglob("*.db"))


def traces(data: Path) -> list[str]:
    """Mounts below a directory, and processes that have it in their arguments or are pods with files in it."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(data) in line]
    processes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            seen = (process / "cmdline").read_bytes() + (process / "mountinfo").read_bytes()
        except OSError:
            continue
        if str(data).encode() in seen:
            processes.append(process.name)
    return mounts + processes
