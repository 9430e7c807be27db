"""What a real node and its pods use: the kubelet's pages, and `kubectl top`, which is fed from them.

As root, the file runs itself again as an ordinary user, whose pods are plain processes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, environment_in

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]
NOBODY = 65534
NAME = "usage" if os.geteuid() == 0 else "usage-user"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: busy, labels: {app: busy}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: spinner
    image: host
    command: [sh, -c, 'while :; do :; done']
    resources: {requests: {cpu: 100m, memory: 8Mi}, limits: {memory: 64Mi}}
  - name: sleeper
    image: host
    command: [sleep, '1000']
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    environment = environment_in(tmp_path_factory.mktemp("usage"))
    paths = [environment["PYTHONPATH"], *(path for path in sys.path if path.endswith("-packages"))]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    cloudk8s(environment, "up", "--detach", "--port", "0", "--name", NAME)
    yield Cluster(NAME, environment)
    cloudk8s(environment, "down", "--name", NAME, "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    until(lambda: "default" in kubectl("get", "serviceaccounts"), "no service account")
    kubectl("apply", "-f", "-", stdin=POD)
    kubectl("wait", "--for=condition=Ready", "pod/busy", "--timeout=60s")
    return kubectl


def until(is_so: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def cores(text: str) -> int:
    """`1500m` as thousandths of a core."""
    assert text.endswith("m")
    return int(text[:-1])


def test_top_tells_who_is_busy(kubectl: Kubectl) -> None:
    until(lambda: "busy" in kubectl("top", "pods", "--no-headers", check=False), "the pod is not known")
    rows = kubectl("top", "pods", "--containers", "--no-headers").splitlines()
    used = {row.split()[1]: row.split()[2:] for row in rows}
    assert used.keys() == {"sleeper", "spinner"}
    assert cores(used["spinner"][0]) > 100
    assert cores(used["sleeper"][0]) < 20
    (name, whole, _) = kubectl("top", "pods", "--no-headers").split()
    assert (name, cores(whole) > 100) == ("busy", True)
    _, busy, share, memory, _ = kubectl("top", "nodes", "--no-headers").split()
    assert cores(busy) > 100
    assert share.endswith("%")
    assert int(memory.removesuffix("Mi")) > 50


def test_the_kubelet_tells_what_upstreams_tells(kubectl: Kubectl) -> None:
    node = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    page = kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/metrics/resource")
    families = [line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")]
    assert families == sorted(families)
    assert {family.split("_")[0] for family in families} == {"container", "node", "pod", "resource"}
    summary = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
    assert {"cpu", "memory", "network", "fs", "runtime", "rlimit", "swap"} <= summary["node"].keys()
    pod = next(item for item in summary["pods"] if item["podRef"]["name"] == "busy")
    assert [container["name"] for container in pod["containers"]] == ["spinner", "sleeper"]
    spinner = pod["containers"][0]
    assert {"availableBytes", "workingSetBytes", "rssBytes"} <= spinner["memory"].keys()
    assert spinner["startTime"] <= spinner["cpu"]["time"]
    (token,) = pod["volume"]
    assert token["name"].startswith("kube-api-access-")
    assert token["usedBytes"] > 0


BURN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: burn}
spec:
  replicas: 1
  selector: {matchLabels: {app: burn}}
  template:
    metadata: {labels: {app: burn}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: burn, image: host, command: [sh, -c, 'while :; do :; done'], resources: {requests: {cpu: 20m}}}
"""


def test_an_autoscaler_answers_what_a_process_really_uses(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=BURN)
    kubectl("autoscale", "deployment/burn", "--cpu-percent=50", "--min=1", "--max=2")
    until(lambda: len(kubectl("get", "pods", "-l", "app=burn", "--no-headers").splitlines()) == 2, "no second pod", 100)
    said = kubectl(
        "get", "events", "--field-selector", "reason=SuccessfulRescale", "-o", "jsonpath={.items[*].message}"
    )
    assert said == "New size: 2; reason: cpu resource utilization (percentage of request) above target"
    kubectl("delete", "deployment,hpa", "burn")


@pytest.mark.root
@pytest.mark.timeout(240)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_all_of_this_as_an_ordinary_user() -> None:
    python = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    if shutil.which("setpriv") is None or python is None:
        pytest.skip("setpriv, or a python that every user may run, is not installed")
    home = Path("/tmp") / f"usage-{os.getpid()}"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all"]
    arguments = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, f"--basetemp={home}/t"]
    environment = os.environ | {
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    try:
        done = subprocess.run(
            [*become, python, *arguments], capture_output=True, text=True, env=environment, check=False, timeout=220
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
