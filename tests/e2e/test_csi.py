"""A CSI driver next to a cluster: a claim of its class is made, attached, mounted, grown and taken back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drivers.csi_program import NAME
from tests.e2e.conftest import ROOT, Cluster, Kubectl, cloudk8s, environment_in

pytestmark = [pytest.mark.kubectl, pytest.mark.slow, pytest.mark.root]
OBJECTS = f"""
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {{name: {NAME}}}
spec: {{attachRequired: true, podInfoOnMount: true, fsGroupPolicy: File}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: bind}}
provisioner: {NAME}
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: bind, resources: {{requests: {{storage: 1Gi}}}}}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {fsGroup: 4242}
  containers:
  - name: c
    image: host
    command: [sh, -c, 'cat /data/file; echo written >> /data/file; exec sleep 1000']
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A short path, for those of sockets may have 107 bytes only."""
    directory = Path(tempfile.mkdtemp(prefix="c8"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(home: Path) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("the driver mounts, which needs root")
    environment = environment_in(home)
    cloudk8s(environment, "up", "-d", "--port", "0", "--name", "csi", "--csi-endpoint", f"unix://{home}/csi.sock")
    cluster = Cluster("csi", environment)
    node = cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    registry = home / "data" / "cloudk8s" / "csi" / "nodes" / node / "plugins_registry"
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.drivers.csi_program", str(home / "store"), str(home / "csi.sock"),
         str(registry), f"id-{node}"], cwd=ROOT, env=environment,
    )  # fmt: skip
    yield cluster
    cloudk8s(environment, "down", "--name", "csi", "--purge")
    driver.kill()
    driver.wait()


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    until(lambda: NAME in kubectl("get", "csinodes", "-o", "json"), "the driver is not registered")
    kubectl("apply", "-f", "-", stdin=OBJECTS)
    kubectl("apply", "-f", "-", stdin=POD)
    kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=60s")
    return kubectl


def until(is_so: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_a_pod_writes_into_the_drivers_volume(kubectl: Kubectl, home: Path) -> None:
    (volume,) = (home / "store").iterdir()
    until(lambda: (volume / "file").exists(), "nothing is written")
    assert (volume / "file").read_text() == "written\n"
    assert volume.stat().st_gid == 4242
    (attachment,) = json.loads(kubectl("get", "volumeattachments", "-o", "json"))["items"]
    assert attachment["status"]["attached"] is True
    assert "SuccessfulAttachVolume" in kubectl("get", "events", "-o", "custom-columns=:reason")


def test_the_volume_is_detached_and_comes_again(kubectl: Kubectl) -> None:
    kubectl("delete", "pod", "writer", "--timeout=30s")
    until(lambda: "No resources" in kubectl.run("get", "volumeattachments").stderr, "it is still attached")
    kubectl("apply", "-f", "-", stdin=POD)
    kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=60s")
    assert kubectl("logs", "writer").strip() == "written"


def test_the_volume_grows_under_the_pod(kubectl: Kubectl) -> None:
    kubectl("patch", "pvc", "data", "-p", '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}')
    pending = "--for=jsonpath={.status.allocatedResourceStatuses.storage}=NodeResizePending"
    kubectl("wait", pending, "pvc/data", "--timeout=20s")
    kubectl("annotate", "pod", "writer", "look=again")
    kubectl("wait", "--for=jsonpath={.status.capacity.storage}=2Gi", "pvc/data", "--timeout=20s")


def test_everything_goes_with_the_claim(kubectl: Kubectl, home: Path) -> None:
    kubectl("delete", "pod", "writer", "--timeout=30s")
    kubectl("delete", "pvc", "data", "--timeout=30s")
    until(lambda: not list((home / "store").iterdir()), "the volume is still there")
    assert str(home) not in Path("/proc/self/mountinfo").read_text()
