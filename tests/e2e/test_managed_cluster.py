"""A cluster that is changed by objects of its own API, and shown there."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.e2e.conftest import Cluster, cloudk8s, environment_in

pytestmark = [pytest.mark.kubectl, pytest.mark.root]
NAME = "managed"
POOL = f"{NAME}-workers"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    environment = environment_in(tmp_path_factory.mktemp("managed"))
    cloudk8s(environment, "cluster", "create", NAME, "--provider", "local", "--workers", "1")
    try:
        manage(Cluster(NAME, environment))
        yield Cluster(NAME, environment)
    finally:
        cloudk8s(environment, "cluster", "delete", NAME, "--yes")


def manage(cluster: Cluster) -> str:
    """One turn, as long as it takes."""
    return cloudk8s(cluster.environment, "cluster", "manage", NAME, "--once", "--timeout", "2m")


def kubectl(cluster: Cluster, *arguments: str) -> str:
    return cluster.kubectl("--namespace", "cloudk8s-system", *arguments)


def machines(cluster: Cluster) -> dict[str, str]:
    """UIDs of the workers' objects, by name."""
    found = json.loads(
        kubectl(cluster, "get", "machines", "-l", f"cluster.x-k8s.io/deployment-name={POOL}", "-o", "json")
    )
    return {entry["metadata"]["name"]: entry["metadata"]["uid"] for entry in found["items"]}


def test_the_cluster_shows_itself(cluster: Cluster) -> None:
    kubectl(
        cluster, "wait", "--for=condition=Available", f"cluster/{NAME}", f"machinedeployment/{POOL}", "--timeout=1s"
    )
    said = kubectl(cluster, "get", "machines")
    assert said.splitlines()[0].split()[:4] == ["NAME", "CLUSTER", "NODE", "NAME"]
    assert said.count("Running") == 2
    assert "Which healthy machines go first" in cluster.kubectl("explain", "machinedeployment.spec.deletion.order")


def test_a_scaled_deployment_is_a_scaled_pool(cluster: Cluster) -> None:
    kubectl(cluster, "scale", "machinedeployment", POOL, "--replicas=2")
    manage(cluster)
    assert len(machines(cluster)) == 2
    assert cluster.kubectl("get", "nodes").count(" Ready") == 3
    assert kubectl(cluster, "get", "machinedeployment", POOL, "-o", "jsonpath={.status.availableReplicas}") == "2"


def test_a_deleted_machine_is_replaced(cluster: Cluster) -> None:
    before = machines(cluster)
    victim = min(before)
    kubectl(cluster, "delete", "machine", victim, "--wait=false")
    manage(cluster)
    after = machines(cluster)
    assert len(after) == 2
    assert before[victim] not in after.values()


def test_a_hook_holds_a_machine_and_a_paused_cluster_is_left_alone(cluster: Cluster) -> None:
    victim = min(machines(cluster))
    hook = "pre-drain.delete.hook.machine.cluster.x-k8s.io/backup"
    kubectl(cluster, "annotate", "machine", victim, f"{hook}=ops", "cluster.x-k8s.io/delete-machine=")
    kubectl(cluster, "scale", "machinedeployment", POOL, "--replicas=1")
    said = cloudk8s(cluster.environment, "cluster", "manage", NAME, "--once", "--timeout", "5s")
    assert "pre-drain hook backup: ops has not let it go" in said
    kubectl(cluster, "patch", "cluster", NAME, "--type=merge", "-p", '{"spec":{"paused":true}}')
    kubectl(cluster, "annotate", "machine", victim, f"{hook}-")
    manage(cluster)
    assert len(machines(cluster)) == 2
    kubectl(cluster, "patch", "cluster", NAME, "--type=merge", "-p", '{"spec":{"paused":false}}')
    manage(cluster)
    assert victim not in machines(cluster)


def test_a_command_changes_what_the_objects_say(cluster: Cluster) -> None:
    cloudk8s(cluster.environment, "cluster", "scale", NAME, "--workers", "2")
    manage(cluster)
    assert kubectl(cluster, "get", "machinedeployment", POOL, "-o", "jsonpath={.spec.replicas}") == "2"


def test_what_machines_were_made_of_is_remembered(cluster: Cluster) -> None:
    change = '{"spec":{"template":{"spec":{"options":{"note":"new"}}}}}'
    kubectl(cluster, "patch", "cloudk8smachinetemplate", POOL, "--type=merge", "-p", change)
    manage(cluster)
    said = cloudk8s(cluster.environment, "cluster", "history", NAME)
    assert [line.split()[:4] for line in said.splitlines()[1:]] == [
        ["workers", "1", "False", "0"], ["workers", "2", "True", "2"]
    ]  # fmt: skip
    cloudk8s(cluster.environment, "cluster", "undo", NAME, "--pool", "workers")
    manage(cluster)
    assert "options" not in kubectl(cluster, "get", "cloudk8smachinetemplate", POOL, "-o", "jsonpath={.spec}")


def test_a_mistake_changes_nothing_and_is_told(cluster: Cluster) -> None:
    kubectl(cluster, "patch", "cloudk8scontrolplane", NAME, "--type=merge", "-p", '{"spec":{"replicas":2}}')
    manage(cluster)
    told = kubectl(
        cluster, "get", "cluster", NAME, "-o", "jsonpath={.status.conditions[?(@.type=='TopologyReconciled')].message}"
    )
    assert "tolerate no more failures" in told
    kubectl(cluster, "patch", "cloudk8scontrolplane", NAME, "--type=merge", "-p", '{"spec":{"replicas":1}}')
    manage(cluster)
    kubectl(cluster, "wait", "--for=condition=Available", f"cluster/{NAME}", "--timeout=1s")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that looks after itself, on hosts of its own."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    environment = environment_in(tmp_path_factory.mktemp("own"))
    cloudk8s(environment, "cluster", "create", "own", "--provider", "local", "--workers", "1", "--self-managed")
    try:
        yield Cluster("own", environment)
    finally:
        said = cloudk8s(environment, "cluster", "delete", "own", "--yes")
    assert "nothing is left" in said


@pytest.mark.slow
def test_a_cluster_that_looks_after_itself_needs_no_command(own: Cluster) -> None:
    until(lambda: "own-workers" in kubectl(own, "get", "machinedeployments", "--ignore-not-found", "-o", "name"))
    kubectl(own, "scale", "machinedeployment", "own-workers", "--replicas=2")
    until(lambda: own.kubectl("get", "nodes").count(" Ready") == 3)
    until(lambda: kubectl(own, "get", "machines").count("Running") == 3)


@pytest.mark.slow
def test_commands_and_the_cluster_itself_take_turns(own: Cluster) -> None:
    cloudk8s(own.environment, "cluster", "scale", "own", "--workers", "1")
    assert own.kubectl("get", "nodes").count(" Ready") == 2
    until(lambda: kubectl(own, "get", "machinedeployment", "own-workers", "-o", "jsonpath={.spec.replicas}") == "1")


def until(look: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until it is so; what can't be asked yet is not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(AssertionError):
            if look():
                return
        time.sleep(0.5)
    raise AssertionError("it did not come")
