"""Claims of a fresh cluster: they bind, keep their data while pods come and go, and take it with them.

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
NAME = "volumes" if os.geteuid() == 0 else "volumes-user"
DATABASE = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: server
        image: host
        workingDir: /data
        command: [sh, -c, 'echo $NAME $POD >> started; cat started; exec sleep 1000']
        env:
        - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
        - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    environment = environment_in(tmp_path_factory.mktemp("volumes"))
    paths = [environment["PYTHONPATH"], *(path for path in sys.path if path.endswith("-packages"))]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    cloudk8s(environment, "up", "--detach", "--port", "0", "--name", NAME, "--nodes", "2")
    yield Cluster(NAME, environment)
    cloudk8s(environment, "down", "--name", NAME, "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    until(lambda: "local-path (default)" in kubectl("get", "storageclasses"), "no default class")
    kubectl("apply", "-f", "-", stdin=DATABASE)
    kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
    return kubectl


def until(is_so: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def directories(cluster: Cluster) -> list[Path]:
    data = Path(cluster.environment["XDG_DATA_HOME"]) / "cloudk8s" / NAME / "volumes"
    return sorted(data.glob("*/pvc-*"))


def test_claims_of_a_stateful_set_bind(kubectl: Kubectl) -> None:
    claims = json.loads(kubectl("get", "pvc", "-o", "json"))["items"]
    assert {claim["metadata"]["name"]: claim["status"]["phase"] for claim in claims} == {
        "data-db-0": "Bound",
        "data-db-1": "Bound",
    }
    events = kubectl("get", "events", "-o", "custom-columns=:reason")
    assert {"WaitForFirstConsumer", "ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"} <= set(
        events.split()
    )


def test_a_volume_is_on_the_node_of_its_pod(kubectl: Kubectl, cluster: Cluster) -> None:
    for pod in ("db-0", "db-1"):
        node = kubectl("get", "pod", pod, "-o", "jsonpath={.spec.nodeName}")
        volume = kubectl("get", "pvc", f"data-{pod}", "-o", "jsonpath={.spec.volumeName}")
        (path,) = (each for each in directories(cluster) if each.name.startswith(volume))
        assert path.parent.name == node
        assert (path / "started").read_text().startswith(pod)


def test_data_outlives_the_pod(kubectl: Kubectl) -> None:
    before = kubectl("logs", "db-0").splitlines()
    kubectl("delete", "pod", "db-0", "--timeout=30s")
    kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
    until(lambda: len(kubectl("logs", "db-0").splitlines()) > len(before), "the new pod does not see the old file")
    assert kubectl("logs", "db-0").splitlines()[: len(before)] == before


def test_a_claim_grows(kubectl: Kubectl) -> None:
    patch = '{"spec": {"resources": {"requests": {"storage": "128Mi"}}}}'
    kubectl("patch", "pvc", "data-db-1", "-p", patch)
    kubectl("wait", "--for=jsonpath={.status.capacity.storage}=128Mi", "pvc/data-db-1", "--timeout=20s")


def test_data_goes_with_the_claim(kubectl: Kubectl, cluster: Cluster) -> None:
    assert len(directories(cluster)) == 2
    kubectl("delete", "statefulset", "db")
    kubectl("delete", "pvc", "--all", "--timeout=30s")
    until(lambda: not directories(cluster), "the data is still there")
    until(lambda: "No resources" in kubectl.run("get", "pv").stderr, "volumes are still there")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_all_of_this_as_an_ordinary_user() -> None:
    python = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    if shutil.which("setpriv") is None or python is None:
        pytest.skip("setpriv, or a python that every user may run, is not installed")
    home = Path("/tmp") / f"volumes-{os.getpid()}"
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
            [*become, python, *arguments], capture_output=True, text=True, env=environment, check=False, timeout=100
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
