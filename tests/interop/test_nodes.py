"""Nodes that die, come back and are emptied, as controllers and users see it."""

from __future__ import annotations

import pytest

from tests.interop.kubectl import Kubectl
from tests.interop.objects import is_ready, workload
from tests.interop.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]
DOWN = "simulated.cloudk8s.io/down"


def taints_of(kubectl: Kubectl, node: str) -> set[tuple[str, str]]:
    return {(each["key"], each["effect"]) for each in kubectl.json("node", node)["spec"].get("taints", ())}


@pytest.mark.timeout(240)
def test_pods_of_a_silent_node_are_made_elsewhere_and_it_may_come_back(kubectl: Kubectl, namespace: str) -> None:
    hurried = [
        {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2}
        for key in ("unreachable", "not-ready")
    ]
    there = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["sim-2"]}]}
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": there}]}
    rules = {"tolerations": hurried, "affinity": {"nodeAffinity": preferred}}
    kubectl.apply(workload("Deployment", "moving", 2, rules), namespace=namespace)
    kubectl("-n", namespace, "rollout", "status", "deployment/moving", "--timeout=45s")
    assert {each["spec"]["nodeName"] for each in kubectl.items("pods", "-n", namespace)} == {"sim-2"}
    kubectl("annotate", "node", "sim-2", f"{DOWN}=true")
    try:
        unreachable = {
            ("node.kubernetes.io/unreachable", "NoSchedule"),
            ("node.kubernetes.io/unreachable", "NoExecute"),
        }
        eventually(lambda: unreachable <= taints_of(kubectl, "sim-2"), seconds=90)
        (ready,) = [each for each in kubectl.json("node/sim-2")["status"]["conditions"] if each["type"] == "Ready"]
        assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")

        def moved() -> bool:
            found = [each for each in kubectl.items("pods", "-n", namespace) if is_ready(each)]
            return len([each for each in found if each["spec"]["nodeName"] != "sim-2"]) == 2

        eventually(moved, seconds=60)
    finally:
        kubectl("annotate", "node", "sim-2", f"{DOWN}-")
    eventually(lambda: not taints_of(kubectl, "sim-2"), seconds=60)


def test_a_taint_drives_pods_out(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("Deployment", "web", 6), namespace=namespace)
    kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=45s")
    kubectl("taint", "node", "sim-1", "out=now:NoExecute")
    try:

        def left() -> bool:
            found = kubectl.items("pods", "-n", namespace)
            return len(found) == 6 and all(is_ready(each) and each["spec"]["nodeName"] != "sim-1" for each in found)

        eventually(left)
    finally:
        kubectl("taint", "node", "sim-1", "out-")


def test_a_node_is_emptied(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("Deployment", "web", 6), namespace=namespace)
    kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=45s")
    kubectl("drain", "sim-0", "--ignore-daemonsets", "--force", "--timeout=45s", "--delete-emptydir-data")
    try:
        eventually(lambda: len([each for each in kubectl.items("pods", "-n", namespace) if is_ready(each)]) == 6)
        assert "sim-0" not in {each["spec"]["nodeName"] for each in kubectl.items("pods", "-n", namespace)}
    finally:
        kubectl("uncordon", "sim-0")


def test_a_deleted_node_takes_its_pods_along(kubectl: Kubectl, namespace: str) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "short-lived"}}
    kubectl.apply(node)
    bound = {
        "nodeName": "short-lived",
        "containers": [{"name": "c", "image": "i"}],
        "tolerations": [{"operator": "Exists"}],
    }
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "there"}, "spec": bound}, namespace=namespace
    )
    kubectl("delete", "node", "short-lived")
    eventually(lambda: not kubectl.items("pods", "-n", namespace), seconds=110)
