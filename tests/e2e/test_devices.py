"""What a node has to give: devices of a driver by ResourceClaims, and what `kubectl describe node` says of the rest."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.dra_program import NAME
from tests.e2e.conftest import ROOT, Cluster, Kubectl, cloudk8s, environment_in

pytestmark = [pytest.mark.kubectl, pytest.mark.slow, pytest.mark.root]
CDI = Path("/var/run/cdi")
OBJECTS = f"""
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {{name: dice}}
spec: {{selectors: [{{cel: {{expression: "device.driver == '{NAME}'"}}}}]}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: dice-of-node}}
spec:
  driver: {NAME}
  nodeName: NODE
  pool: {{name: NODE, generation: 1, resourceSliceCount: 1}}
  devices: [{{name: die-0}}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: die}}
spec: {{spec: {{devices: {{requests: [{{name: die, exactly: {{deviceClassName: dice}}}}]}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: gambler}}
spec:
  terminationGracePeriodSeconds: 1
  resourceClaims: [{{name: die, resourceClaimTemplateName: die}}]
  containers:
  - name: c
    image: host
    command: [sh, -c, 'echo $DICE $DIE; sleep 1000']
    resources: {{claims: [{{name: die}}], requests: {{cpu: 250m, memory: 64Mi}}, limits: {{memory: 128Mi}}}}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("CDI files are root's")
    home = Path(tempfile.mkdtemp(prefix="c8"))
    had_files = CDI.exists()
    environment = environment_in(home)
    cloudk8s(environment, "up", "-d", "--port", "0", "--name", "devices")
    yield Cluster("devices", environment)
    cloudk8s(environment, "down", "--name", "devices", "--purge")
    shutil.rmtree(home)
    if not had_files:
        shutil.rmtree(CDI, ignore_errors=True)


@pytest.fixture(scope="module")
def driver(cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    """A driver on the node."""
    kubectl, home = cluster.kubectl, Path(cluster.environment["HOME"])
    name = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    registry = home / "data" / "cloudk8s" / "devices" / "nodes" / name / "plugins_registry"
    kubectl("wait", "--for=condition=Ready", f"node/{name}", "--timeout=60s")
    command = [sys.executable, "-m", "tests.drivers.dra_program", str(home / "dra.sock"), str(registry), str(CDI)]
    driver = subprocess.Popen(command, cwd=ROOT, env=cluster.environment)
    yield driver
    driver.kill()
    driver.wait()


@pytest.fixture(scope="module")
def node(cluster: Cluster, driver: object) -> str:
    """The node's name; a pod with a device of the driver runs on it."""
    kubectl = cluster.kubectl
    name = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    kubectl("apply", "-f", "-", stdin=OBJECTS.replace("NODE", name))
    kubectl("wait", "--for=condition=Ready", "pod/gambler", "--timeout=60s")
    return name


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl


def test_a_pod_has_the_device_of_its_claim(kubectl: Kubectl, node: str) -> None:
    assert re.fullmatch(r"yes gambler-die-\w+", kubectl("logs", "gambler").strip())
    assert "allocated,reserved" in kubectl("get", "resourceclaims")


def test_the_node_is_described_as_it_is(kubectl: Kubectl, node: str) -> None:
    text = kubectl("describe", "node", node)
    capacity, _, rest = text.partition("Capacity:")[2].partition("Allocatable:")
    assert re.search(rf"cpu: +{len(os.sched_getaffinity(0))}\n", capacity)
    memory = re.search(r"MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text())
    assert memory is not None
    assert f"{memory[1]}Ki" in capacity
    assert re.search(r"pods: +110\n", rest)
    allocated = rest.partition("Allocated resources:")[2]
    assert re.search(r"cpu +250m \(\d+%\) +0 \(0%\)", allocated)
    assert re.search(r"memory +64Mi \(\d+%\) +128Mi \(\d+%\)", allocated)


def test_the_device_is_given_back(kubectl: Kubectl, node: str) -> None:
    kubectl("delete", "pod", "gambler", "--timeout=30s")
    kubectl("wait", "--for=delete", "resourceclaims", "--all", "--timeout=30s")


def test_slices_of_a_driver_that_crashed_do_not_stay(
    kubectl: Kubectl, node: str, driver: subprocess.Popen[bytes]
) -> None:
    driver.kill()
    kubectl("wait", "--for=delete", "resourceslice/dice-of-node", "--timeout=60s")
