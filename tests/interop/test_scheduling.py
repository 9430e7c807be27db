"""Where pods go: the rules of scheduling, and what is said of pods that have to wait."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.interop.clusters import NODES
from tests.interop.kubectl import Kubectl
from tests.interop.objects import Object, asking, pod, workload
from tests.interop.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]
HOST = "kubernetes.io/hostname"


def node_of(kubectl: Kubectl, namespace: str, name: str) -> str:
    return str(eventually(lambda: kubectl.json("pod", name, "-n", namespace)["spec"].get("nodeName")))


def spread_of(kubectl: Kubectl, namespace: str, name: str, count: int) -> Counter[str]:
    def placed() -> list[Object]:
        found = kubectl.items("pods", "-n", namespace, "-l", f"app={name}")
        return found if len(found) == count and all(each["spec"].get("nodeName") for each in found) else []

    return Counter(each["spec"]["nodeName"] for each in eventually(placed))


def waits_for(kubectl: Kubectl, namespace: str, name: str) -> str:
    """Why the pod is nowhere."""

    def told() -> str:
        conditions = kubectl.json("pod", name, "-n", namespace)["status"].get("conditions", ())
        return next((each["message"] for each in conditions if each.get("reason") == "Unschedulable"), "")

    return str(eventually(told))


def test_selectors_and_affinity_choose_nodes(kubectl: Kubectl, namespace: str) -> None:
    terms = [{"matchExpressions": [{"key": HOST, "operator": "NotIn", "values": ["sim-0", "sim-2"]}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    kubectl.apply(
        pod("selected", nodeSelector={HOST: "sim-2"}), pod("affine", affinity={"nodeAffinity": required}),
        pod("nowhere", nodeSelector={"disk": "none"}), namespace=namespace,
    )  # fmt: skip
    assert node_of(kubectl, namespace, "selected") == "sim-2"
    assert node_of(kubectl, namespace, "affine") == "sim-1"
    assert waits_for(kubectl, namespace, "nowhere").startswith("0/3 nodes are available: 3 node(s) didn't match")
    events = [each for each in kubectl.items("events", "-n", namespace) if each["reason"] == "FailedScheduling"]
    assert events[0]["involvedObject"]["name"] == "nowhere"
    kubectl("label", "node", "sim-0", "disk=none")
    try:
        assert node_of(kubectl, namespace, "nowhere") == "sim-0"
    finally:
        kubectl("label", "node", "sim-0", "disk-")


def test_taints_and_cordons_keep_pods_away(kubectl: Kubectl, namespace: str) -> None:
    kubectl("taint", "node", "sim-0", "key=value:NoSchedule")
    kubectl("cordon", "sim-1")
    try:
        kubectl.apply(workload("Deployment", "plain", 4), namespace=namespace)
        assert set(spread_of(kubectl, namespace, "plain", 4)) == {"sim-2"}
        toleration = {"key": "key", "operator": "Equal", "value": "value", "effect": "NoSchedule"}
        kubectl.apply(pod("tolerant", tolerations=[toleration], nodeSelector={HOST: "sim-0"}), namespace=namespace)
        assert node_of(kubectl, namespace, "tolerant") == "sim-0"
    finally:
        kubectl("taint", "node", "sim-0", "key-")
        kubectl("uncordon", "sim-1")


def test_pods_spread_and_keep_apart(kubectl: Kubectl, namespace: str) -> None:
    rule = {"maxSkew": 1, "topologyKey": HOST, "whenUnsatisfiable": "DoNotSchedule"}
    spread = {"topologySpreadConstraints": [rule | {"labelSelector": {"matchLabels": {"app": "even"}}}]}
    kubectl.apply(workload("Deployment", "even", 6, spread), namespace=namespace)
    assert spread_of(kubectl, namespace, "even", 6) == dict.fromkeys(NODES, 2)
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": "apart"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    kubectl.apply(workload("Deployment", "apart", 3, {"affinity": affinity}), namespace=namespace)
    assert spread_of(kubectl, namespace, "apart", 3) == dict.fromkeys(NODES, 1)
    kubectl.apply(
        pod("fourth", affinity=affinity) | {"metadata": {"name": "fourth", "labels": {"app": "apart"}}},
        namespace=namespace,
    )
    assert "3 node(s) didn't match pod anti-affinity rules" in waits_for(kubectl, namespace, "fourth")


def test_pods_follow_pods(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(pod("leader", nodeSelector={HOST: "sim-1"}), namespace=namespace)
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": "leader"}}}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    kubectl.apply(workload("Deployment", "follower", 3, {"affinity": affinity}), namespace=namespace)
    assert spread_of(kubectl, namespace, "follower", 3) == {"sim-1": 3}


def test_pods_fit_and_the_important_ones_push_others_out(kubectl: Kubectl, namespace: str) -> None:
    """Each node has 32 processors."""
    for name, value in (("interop-low", "1"), ("interop-high", "1000")):
        kubectl("create", "priorityclass", name, f"--value={value}")
    try:
        filling = {"containers": asking(cpu="20"), "priorityClassName": "interop-low"}
        kubectl.apply(workload("Deployment", "filling", 3, filling), namespace=namespace)
        assert spread_of(kubectl, namespace, "filling", 3) == dict.fromkeys(NODES, 1)
        kubectl.apply(pod("too-much", containers=asking(cpu="20")), namespace=namespace)
        assert "3 Insufficient cpu" in waits_for(kubectl, namespace, "too-much")
        kubectl("-n", namespace, "delete", "pod", "too-much")
        important = pod("important", containers=asking(cpu="20"), priorityClassName="interop-high")
        kubectl.apply(important, namespace=namespace)
        assert node_of(kubectl, namespace, "important") in NODES
        found = kubectl.items("pods", "-n", namespace, "-l", "app=filling")
        assert len([each for each in found if each["spec"].get("nodeName")]) == 2
        assert any(each["reason"] == "Preempted" for each in kubectl.items("events", "-n", namespace))
    finally:
        kubectl("delete", "priorityclass", "interop-low", "interop-high")


def test_ports_of_the_host_are_given_once(kubectl: Kubectl, namespace: str) -> None:
    containers = [{"name": "c", "image": "i", "ports": [{"containerPort": 80, "hostPort": 8080}]}]
    kubectl.apply(workload("Deployment", "port", 3, {"containers": containers}), namespace=namespace)
    assert spread_of(kubectl, namespace, "port", 3) == dict.fromkeys(NODES, 1)
    kubectl.apply(pod("fourth", containers=containers), namespace=namespace)
    assert "free ports" in waits_for(kubectl, namespace, "fourth")


def test_a_volume_that_waits_for_its_first_pod_is_bound_where_it_is(kubectl: Kubectl, namespace: str) -> None:
    storage = {
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "interop-waiting"},
        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip
    there = {"matchExpressions": [{"key": HOST, "operator": "In", "values": ["sim-2"]}]}
    affinity = {"required": {"nodeSelectorTerms": [there]}}
    volume = volume_of("interop-local", "interop-waiting", local={"path": "/x"}, nodeAffinity=affinity)
    kubectl.apply(storage, volume)
    kubectl.apply(claim_of("data", "interop-waiting"), namespace=namespace)
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    kubectl.apply(pod("user", volumes=volumes), namespace=namespace)
    assert node_of(kubectl, namespace, "user") == "sim-2"
    assert kubectl.json("pvc/data", "-n", namespace)["status"]["phase"] == "Bound"
    kubectl("-n", namespace, "delete", "pod", "user")
    kubectl("-n", namespace, "delete", "pvc", "data", "--timeout=45s")
    kubectl("delete", "pv,storageclass", "interop-local", "interop-waiting", "--ignore-not-found", "--timeout=45s")


def test_volumes_are_bound_protected_and_released(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(
        volume_of("interop-plain", "", hostPath={"path": "/x"}),
        volume_of("interop-big", "", "9Gi", hostPath={"path": "/y"}),
    )
    kubectl.apply(claim_of("data", ""), namespace=namespace)
    eventually(lambda: kubectl.json("pvc/data", "-n", namespace)["status"].get("phase") == "Bound")
    assert kubectl.json("pvc/data", "-n", namespace)["spec"]["volumeName"] == "interop-plain"
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    kubectl.apply(pod("user", volumes=volumes), namespace=namespace)
    eventually(lambda: kubectl.json("pod/user", "-n", namespace)["status"]["phase"] == "Running")
    kubectl("-n", namespace, "delete", "pvc", "data", "--wait=false")
    assert "deletionTimestamp" in json.dumps(kubectl.json("pvc/data", "-n", namespace)["metadata"])
    kubectl("-n", namespace, "delete", "pod", "user")
    eventually(lambda: not kubectl.items("pvc", "-n", namespace))
    eventually(lambda: kubectl.json("pv/interop-plain")["status"]["phase"] == "Released")
    kubectl("delete", "pv", "interop-plain", "interop-big", "--timeout=45s")


def volume_of(name: str, storage_class: str, size: str = "1Gi", **source: Object) -> Object:
    spec = {
        "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": storage_class,
        "persistentVolumeReclaimPolicy": "Retain", **source,
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def claim_of(name: str, storage_class: str) -> Object:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
