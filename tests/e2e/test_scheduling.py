"""Scheduling as its users see it: kubectl against three simulated nodes, each test on nodes that it has to itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Kubectl

pytestmark = pytest.mark.kubectl
RESOURCE = "example.com/foo"
NODE = "sim-0"


def eventually(check: Callable[[], Any], seconds: float = 30) -> Any:
    """What `check` answers once that is true."""
    ends = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > ends:
            raise AssertionError("it did not happen in time")
        time.sleep(0.1)
    return found


@pytest.fixture
def foo(kubectl: Kubectl) -> Iterator[None]:
    """1,000 of an extended resource on one node."""
    patch = [{"op": "add", "path": "/status/capacity/example.com~1foo", "value": "1000"}]
    patch.append({"op": "add", "path": "/status/allocatable/example.com~1foo", "value": "1000"})
    kubectl("patch", "node", NODE, "--subresource=status", "--type=json", "-p", json.dumps(patch))
    yield
    drop = [{"op": "remove", "path": one["path"]} for one in patch]
    kubectl("patch", "node", NODE, "--subresource=status", "--type=json", "-p", json.dumps(drop))


@pytest.fixture
def priorities(kubectl: Kubectl) -> Iterator[None]:
    for name, value in (("e2e-p1", 1), ("e2e-p2", 2), ("e2e-p3", 3), ("e2e-p4", 4)):
        kubectl("create", "priorityclass", name, f"--value={value}")
    yield
    kubectl("delete", "priorityclass", "e2e-p1", "e2e-p2", "e2e-p3", "e2e-p4")


def pod(name: str, amount: int, priority: str = "", **spec: Any) -> dict[str, Any]:
    limits = {RESOURCE: str(amount)}
    containers = [
        {"name": "c", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": limits, "limits": limits}}
    ]
    chosen = {"priorityClassName": priority} if priority else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 0, **chosen, **spec},
    }


def replica_set(name: str, replicas: int, amount: int, priority: str) -> dict[str, Any]:
    template = pod(name, amount, priority)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]},
        },
    }


def apply(kubectl: Kubectl, namespace: str, *objects: dict[str, Any]) -> None:
    text = "# YAML\n" + "\n---\n".join(map(json.dumps, objects))
    kubectl("-n", namespace, "apply", "-f", "-", stdin=text)


def get(kubectl: Kubectl, namespace: str, *what: str) -> Any:
    return json.loads(kubectl("-n", namespace, "get", *what, "-o", "json"))


def node_of(kubectl: Kubectl, namespace: str, name: str) -> str:
    return str(get(kubectl, namespace, "pod", name)["spec"].get("nodeName") or "")


def running(kubectl: Kubectl, namespace: str) -> dict[str, int]:
    """Pods with a node, by app."""
    counts: dict[str, int] = {}
    for item in get(kubectl, namespace, "pods")["items"]:
        if item["spec"].get("nodeName") and "deletionTimestamp" not in item["metadata"]:
            app = item["metadata"]["labels"]["app"]
            counts[app] = counts.get(app, 0) + 1
    return counts


def test_describe_says_why_a_pod_waits(kubectl: Kubectl, namespace: str) -> None:
    apply(kubectl, namespace, pod("p", 1, nodeSelector={"no": "where"}))
    text = eventually(lambda: "FailedScheduling" in (out := kubectl("-n", namespace, "describe", "pod", "p")) and out)
    assert "default-scheduler" in text
    assert "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector." in text
    assert "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling." in text
    assert "Pending" in kubectl("-n", namespace, "get", "pod", "p")


def test_a_label_lets_a_pod_in(kubectl: Kubectl, namespace: str) -> None:
    waiting = pod("p", 1, nodeSelector={"e2e-disk": "ssd"})
    del waiting["spec"]["containers"][0]["resources"]
    apply(kubectl, namespace, waiting)
    kubectl("label", "node", "sim-1", "e2e-disk=ssd")
    assert eventually(lambda: node_of(kubectl, namespace, "p")) == "sim-1"
    kubectl("label", "node", "sim-1", "e2e-disk-")


def test_cordoned_nodes_get_nothing(kubectl: Kubectl, namespace: str) -> None:
    kubectl("cordon", "sim-1")
    kubectl("cordon", "sim-2")
    try:
        kubectl("-n", namespace, "create", "deployment", "web", "--image=registry.k8s.io/pause:3.10", "--replicas=4")
        kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=30s")
        nodes = {item["spec"]["nodeName"] for item in get(kubectl, namespace, "pods")["items"]}
        assert nodes == {"sim-0"}
    finally:
        kubectl("uncordon", "sim-1")
        kubectl("uncordon", "sim-2")


@pytest.mark.usefixtures("foo", "priorities")
def test_the_least_important_pod_makes_room_and_says_why(kubectl: Kubectl, namespace: str) -> None:
    low = pod("low", 400, "e2e-p1")
    low["metadata"]["finalizers"] = ["example.com/keep"]
    apply(kubectl, namespace, low, pod("mid", 400, "e2e-p2"))
    eventually(lambda: len(running(kubectl, namespace)) == 2)
    apply(kubectl, namespace, pod("high", 400, "e2e-p3"))
    victim = eventually(
        lambda: (found := get(kubectl, namespace, "pod", "low"))["metadata"].get("deletionTimestamp") and found
    )
    condition = next(item for item in victim["status"]["conditions"] if item["type"] == "DisruptionTarget")
    assert (condition["status"], condition["reason"]) == ("True", "PreemptionByScheduler")
    kubectl("-n", namespace, "patch", "pod", "low", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert eventually(lambda: node_of(kubectl, namespace, "high")) == NODE
    assert "deletionTimestamp" not in get(kubectl, namespace, "pod", "mid")["metadata"]


@pytest.mark.usefixtures("foo", "priorities")
def test_a_critical_pod_of_the_system_makes_room(kubectl: Kubectl, namespace: str) -> None:
    apply(kubectl, namespace, pod("low", 900, "e2e-p1"))
    eventually(lambda: running(kubectl, namespace) == {"low": 1})
    apply(kubectl, "kube-system", pod("e2e-critical", 500, "system-cluster-critical"))
    try:
        assert eventually(lambda: node_of(kubectl, "kube-system", "e2e-critical")) == NODE
        assert running(kubectl, namespace) == {}
    finally:
        kubectl("-n", "kube-system", "delete", "pod", "e2e-critical", "--now")


@pytest.mark.usefixtures("foo", "priorities")
def test_replica_sets_lose_no_more_than_they_must(kubectl: Kubectl, namespace: str) -> None:
    """450 + 2 × 200 leave no room for 500: the two of the least priority go, and come back to wait."""
    sets = (("p1", 1, 200, "e2e-p1"), ("p2", 1, 200, "e2e-p2"), ("p3", 1, 450, "e2e-p3"))
    apply(kubectl, namespace, *(replica_set(*one) for one in sets))
    eventually(lambda: running(kubectl, namespace) == {"p1": 1, "p2": 1, "p3": 1})
    apply(kubectl, namespace, pod("preemptor", 500, "e2e-p4"))
    eventually(lambda: running(kubectl, namespace) == {"preemptor": 1, "p3": 1})
    waiting = [item for item in get(kubectl, namespace, "pods")["items"] if not item["spec"].get("nodeName")]
    assert sorted(item["metadata"]["labels"]["app"] for item in waiting) == ["p1", "p2"]
    made = [event for event in get(kubectl, namespace, "events")["items"] if event["reason"] == "SuccessfulCreate"]
    assert len(made) == 5


def test_host_ports_clash_only_where_addresses_do(kubectl: Kubectl, namespace: str) -> None:
    def at(name: str, address: str, protocol: str) -> dict[str, Any]:
        made = pod(name, 0, nodeSelector={"kubernetes.io/hostname": "sim-2"})
        port = {"containerPort": 80, "hostPort": 54322, "protocol": protocol, "hostIP": address}
        made["spec"]["containers"][0] = {"name": "c", "image": "registry.k8s.io/pause:3.10", "ports": [port]}
        return made

    apply(
        kubectl,
        namespace,
        at("one", "127.0.0.1", "TCP"),
        at("two", "127.0.0.2", "TCP"),
        at("three", "127.0.0.2", "UDP"),
    )
    eventually(lambda: len(running(kubectl, namespace)) == 3)
    apply(kubectl, namespace, at("four", "0.0.0.0", "TCP"))
    reason = "1 node(s) didn't have free ports for the requested pod ports"
    eventually(lambda: reason in kubectl("-n", namespace, "describe", "pod", "four"))
