"""Workloads on simulated nodes, by the real kubectl: deploy, roll, scale, drain, run to completion."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Kubectl

pytestmark = pytest.mark.kubectl


def names_by_node(kubectl: Kubectl, namespace: str) -> dict[str, list[str]]:
    """Pods by the node that they are on; pods that are being deleted do not count."""
    found: dict[str, list[str]] = {}
    for pod in json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]:
        if "deletionTimestamp" not in pod["metadata"]:
            found.setdefault(pod["spec"].get("nodeName", ""), []).append(pod["metadata"]["name"])
    return found


def deployed(kubectl: Kubectl, namespace: str, replicas: int) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", f"--replicas={replicas}", "-n", namespace)
    kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")


def test_a_deployment_spreads_over_the_nodes(kubectl: Kubectl, namespace: str) -> None:
    deployed(kubectl, namespace, 6)
    pods = names_by_node(kubectl, namespace)
    assert sum(map(len, pods.values())) == 6
    assert set(pods) == {"sim-0", "sim-1", "sim-2"}
    row = kubectl("get", "deployment", "web", "-n", namespace, "--no-headers").split()
    assert row[:4] == ["web", "6/6", "6", "6"]


def test_rollouts_can_be_watched_paused_and_undone(kubectl: Kubectl, namespace: str) -> None:
    deployed(kubectl, namespace, 4)
    web = ("deployment/web", "-n", namespace)
    kubectl("set", "image", *web, "nginx=nginx:2")
    assert "successfully rolled out" in kubectl("rollout", "status", *web, "--timeout=60s")
    history = kubectl("rollout", "history", *web)
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    kubectl("rollout", "pause", *web)
    kubectl("set", "image", *web, "nginx=nginx:3")
    assert kubectl("rollout", "resume", *web) == "deployment.apps/web resumed\n"
    kubectl("rollout", "status", *web, "--timeout=60s")
    kubectl("rollout", "undo", *web, "--to-revision=1")
    kubectl("rollout", "status", *web, "--timeout=60s")
    image = kubectl("get", *web, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert image == "nginx"


def test_scale_up_and_down(kubectl: Kubectl, namespace: str) -> None:
    deployed(kubectl, namespace, 1)
    for count in (5, 2):
        said = kubectl("scale", "deployment/web", f"--replicas={count}", "-n", namespace)
        assert said == "deployment.apps/web scaled\n"
        kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
        kubectl("wait", "deployment/web", "-n", namespace, f"--for=jsonpath={{.status.readyReplicas}}={count}")
        assert sum(map(len, names_by_node(kubectl, namespace).values())) == count


def test_drain_moves_pods_and_uncordon_lets_them_back(kubectl: Kubectl, namespace: str) -> None:
    deployed(kubectl, namespace, 6)
    try:
        assert "node/sim-1 drained" in kubectl("drain", "sim-1", "--ignore-daemonsets", "--force", "--timeout=60s")
        kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
        assert "sim-1" not in names_by_node(kubectl, namespace)
        assert "SchedulingDisabled" in kubectl("get", "node", "sim-1")
    finally:
        kubectl("uncordon", "sim-1")


def test_a_job_runs_to_completion(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "job", "work", "--image=busybox", "-n", namespace)
    assert "condition met" in kubectl("wait", "--for=condition=complete", "job/work", "-n", namespace, "--timeout=60s")
    assert kubectl("get", "job", "work", "-n", namespace, "--no-headers").split()[1:3] == ["Complete", "1/1"]


def test_a_service_finds_its_pods(kubectl: Kubectl, namespace: str) -> None:
    deployed(kubectl, namespace, 2)
    assert kubectl("expose", "deployment/web", "--port=80", "-n", namespace) == "service/web exposed\n"
    kubectl("wait", "endpointslices", "-l", "kubernetes.io/service-name=web", "-n", namespace,
            "--for=jsonpath={.endpoints[1].conditions.ready}=true", "--timeout=30s")  # fmt: skip
    pods = json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    slices = json.loads(kubectl("get", "endpointslices", "-n", namespace, "-o", "json"))["items"]
    addresses = {address for item in slices for endpoint in item["endpoints"] for address in endpoint["addresses"]}
    assert addresses == {pod["status"]["podIP"] for pod in pods}


def test_an_impossible_pod_says_why(kubectl: Kubectl, namespace: str) -> None:
    container = {"name": "huge", "image": "nginx", "resources": {"requests": {"cpu": "999"}}}
    overrides = json.dumps({"spec": {"containers": [container]}})
    kubectl("run", "huge", "--image=nginx", "-n", namespace, "--overrides", overrides)
    kubectl("wait", "pod/huge", "-n", namespace, "--for=condition=PodScheduled=false", "--timeout=30s")
    message = kubectl("get", "pod", "huge", "-n", namespace, "-o", "jsonpath={.status.conditions[0].message}")
    assert message.startswith("0/3 nodes are available: 3 Insufficient cpu.")
