"""A control plane of several hosts within this host, with etcd: it outlives the loss of one, and mends itself."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudk8s_local.account.account import Account
from cloudk8s_local.machines.namespaces import NamespaceHosts
from tests.e2e.conftest import Cluster, cloudk8s, environment_in
from tests.e2e.test_local_cluster import fetched, kernel, ready_nodes
from tests.e2e.test_network import WEB

pytestmark = [pytest.mark.kubectl, pytest.mark.root, pytest.mark.timeout(300)]
NAME = "several"
PATIENCE = ("--timeout", "100s")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    for program in ("kubectl", "etcd"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if os.geteuid() != 0:
        pytest.skip("hosts within this host need root")
    return environment_in(tmp_path_factory.mktemp("several"))


@pytest.fixture(scope="module")
def cluster(environment: dict[str, str]) -> Iterator[Cluster]:
    wanted = ("--provider", "local", "--control-planes", "3", "--workers", "1", "--kubernetes-version", "1.36")
    cloudk8s(environment, "cluster", "create", NAME, *wanted, *PATIENCE)
    described = json.loads(cloudk8s(environment, "cluster", "describe", NAME, "--output", "json"))
    network = next(entry["id"] for entry in described["resources"] if entry["type"] == "network")
    made = Cluster(NAME, environment)
    made.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    yield made
    assert "nothing is left" in cloudk8s(environment, "cluster", "delete", NAME, "--yes")
    assert kernel(network) == []
    assert not list(account(environment).everything())


def account(environment: dict[str, str]) -> Account:
    return Account(Path(environment["XDG_DATA_HOME"]) / "cloudk8s-machines", NamespaceHosts())


def power_off(environment: dict[str, str], name: str) -> None:
    """Its cable is cut and its processes are gone at the same moment; the cloud still has it."""
    here = account(environment)
    things = here.everything()
    machine = next(thing for thing in things.values() if thing.properties.get("name") == name)
    here.hosts.stop(here.host(things, machine))


def power_on(environment: dict[str, str], name: str) -> None:
    """It boots with what it had."""
    here = account(environment)
    things = here.everything()
    machine = next(thing for thing in things.values() if thing.properties.get("name") == name)
    here.hosts.start(here.host(things, machine))


def members(cluster: Cluster) -> dict[str, dict[str, object]]:
    found = json.loads(cluster.kubectl("get", "configmap", "cloudk8s-etcd", "-n", "kube-system", "-o", "json"))
    return {entry["name"]: entry for entry in json.loads(found["data"]["members.json"])}


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=2):
            return True
    except OSError:
        return False


def leader(cluster: Cluster, lease: str = "kube-controller-manager") -> str:
    """The machine that leads."""
    path = "jsonpath={.spec.holderIdentity}"
    held = cluster.kubectl("get", "lease", lease, "-n", "kube-system", "-o", path)
    return held.partition("_")[0]


def eventually(look: object, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not look():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_three_machines_are_one_control_plane(cluster: Cluster) -> None:
    assert len(ready_nodes(cluster)) == 4
    found = members(cluster)
    assert len(found) == 3
    assert all(entry["is_healthy"] and not entry["is_learner"] for entry in found.values())
    path = "jsonpath={.endpoints[*].addresses[0]}"
    for namespace, name in (("default", "kubernetes"), ("kube-system", "kube-dns")):
        addresses = cluster.kubectl("get", "endpointslice", name, "-n", namespace, "-o", path).split()
        assert sorted(addresses) == sorted(str(entry["address"]) for entry in found.values())
    assert "nothing to do" in cloudk8s(cluster.environment, "cluster", "plan", NAME)


def test_the_loss_of_the_leading_machine_is_survived_and_mended(cluster: Cluster) -> None:
    kubectl, victim = cluster.kubectl, leader(cluster)
    kubectl("create", "configmap", "before", "--from-literal=a=b")
    power_off(cluster.environment, victim)
    assert kubectl("get", "configmap", "before", "-o", "jsonpath={.data.a}") == "b"
    eventually(lambda: kubectl.run("create", "configmap", "meanwhile").returncode == 0, 15)
    eventually(lambda: leader(cluster) not in ("", victim))
    said = cloudk8s(cluster.environment, "cluster", "apply", NAME, *PATIENCE)
    assert f"{victim}  machine-" in said
    assert "it has stopped" in said
    assert len(ready_nodes(cluster)) == 4
    assert len(members(cluster)) == 3
    assert kubectl("get", "configmap", "meanwhile", "-o", "name")


@pytest.mark.slow
def test_a_load_balancer_keeps_its_address_when_another_machine_leads(cluster: Cluster) -> None:
    kubectl = cluster.kubectl
    kubectl("apply", "-f", "-", stdin=json.dumps(WEB))
    kubectl("expose", "deployment", "web", "--type=LoadBalancer", "--port=80", "--target-port=8080")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    path = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    eventually(lambda: kubectl("get", "service", "web", "-o", path) != "", 20)
    address = kubectl("get", "service", "web", "-o", path)
    assert fetched(address)
    victim = leader(cluster, "cloud-controller-manager")
    power_off(cluster.environment, victim)
    eventually(lambda: leader(cluster, "cloud-controller-manager") not in ("", victim))
    eventually(lambda: answers(address))
    assert kubectl("get", "service", "web", "-o", path) == address
    power_on(cluster.environment, victim)
    eventually(lambda: members(cluster)[victim]["is_healthy"] and len(ready_nodes(cluster)) == 4, 90)
    assert fetched(address)
    assert "nothing to do" in cloudk8s(cluster.environment, "cluster", "plan", NAME)


@pytest.mark.slow
def test_a_machine_that_somebody_deleted_is_made_anew(cluster: Cluster) -> None:
    """Its node and its member are still there, and must not be taken for those of the new machine."""
    here = account(cluster.environment)
    before = members(cluster)
    victim = next(name for name in sorted(before) if name != leader(cluster))
    here.delete([thing.id for thing in here.everything().values() if thing.properties.get("name") == victim])
    cloudk8s(cluster.environment, "cluster", "apply", NAME, *PATIENCE)
    after = members(cluster)
    assert len(after) == 3
    assert all(entry["is_healthy"] and not entry["is_learner"] for entry in after.values())
    assert {entry["id"] for entry in after.values()} != {entry["id"] for entry in before.values()}


@pytest.mark.slow
def test_machines_are_upgraded_one_by_one(cluster: Cluster) -> None:
    before = {str(entry["id"]) for entry in members(cluster).values()}
    said = cloudk8s(cluster.environment, "cluster", "upgrade", NAME, "--kubernetes-version", "1.37", *PATIENCE)
    assert said.count("is replaced: version 1.36 → 1.37") == 4
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    assert [node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes] == ["v1.37.0"] * 4
    found = members(cluster)
    assert len(found) == 3
    assert not before & {str(entry["id"]) for entry in found.values()}
    assert cluster.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}") == "b"


@pytest.mark.slow
def test_it_shrinks_to_one_machine_and_grows_again(cluster: Cluster) -> None:
    cloudk8s(cluster.environment, "cluster", "scale", NAME, "--control-planes", "1", *PATIENCE)
    assert len(members(cluster)) == 1
    assert len(ready_nodes(cluster)) == 2
    cloudk8s(cluster.environment, "cluster", "scale", NAME, "--control-planes", "3", *PATIENCE)
    assert len(members(cluster)) == 3
    assert cluster.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}") == "b"


@pytest.mark.slow
def test_without_a_quorum_nothing_is_taken_away(cluster: Cluster) -> None:
    """Only what is alone left could be asked, and it would not agree; nothing is made worse."""
    names = sorted(members(cluster))
    for name in names[1:]:
        power_off(cluster.environment, name)
    said = cloudk8s(cluster.environment, "cluster", "apply", NAME, "--timeout", "20s", check=False)
    assert "deleted machine" not in said
    said = cloudk8s(cluster.environment, "cluster", "describe", NAME, "--output", "json")
    described, _ = json.JSONDecoder().raw_decode(said)
    assert len([entry for entry in described["machines"] if entry["group"] == "control-plane"]) == 3
