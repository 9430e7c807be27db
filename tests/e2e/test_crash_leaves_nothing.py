"""A cluster of nodes apart that is stopped or killed leaves nothing in the kernel, and is whole when it comes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, cloudk8s, started
from tests.e2e.test_network import WEB, eventually, field, pods_behind
from tests.traces import marked

pytestmark = [pytest.mark.kubectl, pytest.mark.root]
NODES = ("--nodes", "2")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None or os.geteuid() != 0:
        pytest.skip("needs kubectl, and root for what could be left")
    cluster = started(tmp_path, "crash", *NODES)
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "crash", "--purge")


@pytest.mark.parametrize(
    "dies",
    [
        "whole cluster",
        pytest.param("cluster and agents", marks=pytest.mark.slow),
        pytest.param("nobody", marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_in_the_kernel_and_pods_come_back_with_the_cluster(cluster: Cluster, dies: str):
    kubectl, data = cluster.kubectl, Path(cluster.environment["XDG_DATA_HOME"], "cloudk8s", "crash")
    kubectl("apply", "-f", "-", stdin=json.dumps(WEB))
    kubectl("expose", "deployment", "web", "--type=LoadBalancer", "--port=80", "--target-port=8080")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("wait", "--for=jsonpath={.status.loadBalancer.ingress}", "service/web", "--timeout=30s")
    marks, balancer = marks_of(data), field(kubectl, ".status.loadBalancer.ingress[0].ip")
    pods = set(field(kubectl, ".items[*].metadata.name", "pods").split())
    eventually(lambda: {item.split(":")[0] for item in marked(marks)} >= {"netns", "link", "route", "table", "cgroup"})
    if dies != "nobody":
        os.kill(json.loads((data / "cluster.json").read_text())["pid"], signal.SIGKILL)
    for pid in agents(data) if dies == "cluster and agents" else ():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: dies == "nobody" or not agents(data))
    for _ in range(2):
        cloudk8s(cluster.environment, "down", "--name", "crash")
        assert_nothing_is_left(marks, data)
    cloudk8s(cluster.environment, "up", "--detach", "--port", "0", "--name", "crash", *NODES)
    eventually(lambda: pods_behind(balancer) == pods, seconds=40)
    cloudk8s(cluster.environment, "down", "--name", "crash", "--purge")
    assert_nothing_is_left(marks, data)


def assert_nothing_is_left(marks: list[str], data: Path) -> None:
    eventually(lambda: marked(marks) == [], seconds=5)
    assert not [line for line in processes() if str(data) in line]


def marks_of(data: Path) -> list[str]:
    """What names all that the cluster makes: its ranges, its tables, and digests of its directories."""
    import hashlib

    ranges = json.loads((data / "network.json").read_text()).values()
    prefixes = [".".join(text.split(".")[: 2 if text.endswith("/16") else 3]) + "." for text in ranges]
    hosts = hashlib.sha256(f"crash {data}".encode()).hexdigest()[:8]
    runtimes = [hashlib.sha256(str(path).encode()).hexdigest()[:8] for path in data.glob("nodes/*/runtime/host")]
    return [*prefixes, "cloudk8s-crash", hosts, *runtimes, str(data)]


def agents(data: Path) -> list[int]:
    return [int(line.split()[0]) for line in processes() if " kubelet " in line and str(data) in line]


def processes() -> list[str]:
    found = subprocess.run(["ps", "-wweo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if line.split()[1][0] != "Z"]
