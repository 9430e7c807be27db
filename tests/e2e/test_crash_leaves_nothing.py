"""A cluster of three nodes that is killed, with everything that belongs to it, leaves nothing in the kernel."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import cloudk8s, started
from tests.e2e.test_network import WEB, eventually
from tests.traces import marked

pytestmark = [pytest.mark.kubectl, pytest.mark.root]


@pytest.mark.parametrize("dies", ["whole cluster", "cluster and agents", "nobody"])
def test_nothing_is_left_in_the_kernel_after_a_purge(tmp_path: Path, dies: str):
    if shutil.which("kubectl") is None or os.geteuid() != 0:
        pytest.skip("needs kubectl, and root for what could be left")
    cluster = started(tmp_path, "crash", "--nodes", "2")
    data = Path(cluster.environment["XDG_DATA_HOME"], "cloudk8s", "crash")
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(WEB))
    cluster.kubectl("expose", "deployment", "web", "--type=LoadBalancer", "--port=80", "--target-port=8080")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    cluster.kubectl("wait", "--for=jsonpath={.status.loadBalancer.ingress}", "service/web", "--timeout=30s")
    marks = marks_of(data)
    eventually(lambda: {item.split(":")[0] for item in marked(marks)} >= {"netns", "link", "route", "table", "cgroup"})
    if dies != "nobody":
        os.kill(json.loads((data / "cluster.json").read_text())["pid"], signal.SIGKILL)
    for pid in agents(data) if dies == "cluster and agents" else ():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: dies == "nobody" or not agents(data))
    cloudk8s(cluster.environment, "down", "--name", "crash", "--purge")
    eventually(lambda: marked(marks) == [], seconds=5)
    assert not [line for line in processes() if str(tmp_path) in line]


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
