"""A host that shuts down gives its pods the time that `cloudk8s up` was told, ordinary ones first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, cloudk8s, environment_in

pytestmark = pytest.mark.kubectl
FLAGS = ("--shutdown-grace-period", "20s", "--shutdown-grace-period-critical-pods", "10s", "--shutdown-on-sigterm")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    environment = environment_in(tmp_path)
    start(environment)
    yield Cluster("ending", environment)
    cloudk8s(environment, "down", "--name", "ending", "--purge")


def start(environment: dict[str, str]) -> None:
    cloudk8s(environment, "up", "--detach", "--port", "0", "--name", "ending", *FLAGS)


def pod(name: str, told: Path, **spec: object) -> str:
    script = (
        f"trap 'sleep 1; echo {name} >> {told}/told; exit 0' TERM; touch {told}/{name}; while :; do sleep 0.1; done"
    )
    container = {
        "name": "main", "image": "host", "command": ["/bin/sh", "-c", script],
        "volumeMounts": [{"name": "told", "mountPath": str(told)}],
        "readinessProbe": {"exec": {"command": ["test", "-e", f"{told}/{name}"]}, "periodSeconds": 1},
    }  # fmt: skip
    volume = {"name": "told", "hostPath": {"path": str(told)}}
    body = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"containers": [container], "volumes": [volume], **spec},
    }  # fmt: skip
    return json.dumps(body)


def test_pods_end_in_their_order_and_say_why(cluster: Cluster, tmp_path: Path) -> None:
    kubectl = cluster.kubectl
    told = tmp_path / "told"
    told.mkdir()
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    kubectl("apply", "-f", "-", stdin=pod("important", told, priorityClassName="system-node-critical"))
    kubectl("apply", "-f", "-", stdin=pod("ordinary", told))
    kubectl("-n", "kube-system", "wait", "pod/important", "pod/ordinary", "--for=condition=Ready", "--timeout=30s")

    cloudk8s(cluster.environment, "down", "--name", "ending")

    assert (told / "told").read_text().split() == ["ordinary", "important"]
    start(cluster.environment)
    path = "jsonpath={range .items[*]}{.status.phase} {.status.reason}{'\\n'}{end}"
    shown = kubectl("-n", "kube-system", "get", "pods", "ordinary", "important", "-o", path)
    assert shown.splitlines() == ["Failed Terminated"] * 2
