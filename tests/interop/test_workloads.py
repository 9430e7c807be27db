"""Workloads as their users see them, on both crosswise control planes."""

from __future__ import annotations

import pytest

from tests.interop.clusters import NODES, Cluster
from tests.interop.kubectl import Kubectl
from tests.interop.objects import Object, is_ready, job, workload
from tests.interop.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]


def pods_of(kubectl: Kubectl, namespace: str, name: str) -> list[Object]:
    return kubectl.items("pods", "-n", namespace, "-l", f"app={name}")


def image_of(kubectl: Kubectl, namespace: str, what: str) -> str:
    return str(kubectl.json(what, "-n", namespace)["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_deployment_rolls_out_and_back_and_scales(kubectl: Kubectl, namespace: str) -> None:
    def status() -> str:
        return kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=45s")

    kubectl.apply(workload("Deployment", "web", 3), namespace=namespace)
    assert "successfully rolled out" in status()
    first = image_of(kubectl, namespace, "deployment/web")
    kubectl("-n", namespace, "set", "image", "deployment/web", "c=registry.k8s.io/pause:3.9")
    status()
    eventually(
        lambda: (
            [pod["spec"]["containers"][0]["image"][-3:] for pod in pods_of(kubectl, namespace, "web")] == ["3.9"] * 3
        )
    )
    assert len(kubectl.items("replicasets", "-n", namespace)) == 2
    kubectl("-n", namespace, "rollout", "undo", "deployment/web")
    status()
    assert image_of(kubectl, namespace, "deployment/web") == first
    history = kubectl("-n", namespace, "rollout", "history", "deployment/web").split()
    assert {"2", "3"} <= set(history)
    assert "1" not in history
    kubectl("-n", namespace, "scale", "deployment/web", "--replicas=6")
    status()
    assert len(pods_of(kubectl, namespace, "web")) == 6
    reasons = [
        event["message"] for event in kubectl.items("events", "-n", namespace) if event["reason"] == "ScalingReplicaSet"
    ]
    assert any("Scaled up replica set web-" in message for message in reasons)


def test_a_paused_deployment_waits_and_goes_on(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("Deployment", "web", 2), namespace=namespace)
    kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=45s")
    kubectl("-n", namespace, "rollout", "pause", "deployment/web")
    kubectl("-n", namespace, "set", "env", "deployment/web", "A=1")
    eventually(
        lambda: any(
            each["reason"] == "DeploymentPaused"
            for each in kubectl.json("deployment/web", "-n", namespace)["status"]["conditions"]
        )
    )
    assert len(kubectl.items("replicasets", "-n", namespace)) == 1
    kubectl("-n", namespace, "rollout", "resume", "deployment/web")
    kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=45s")
    assert len(kubectl.items("replicasets", "-n", namespace)) == 2


def test_a_replica_set_replaces_lets_go_and_adopts_pods(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("ReplicaSet", "set", 2), namespace=namespace)
    eventually(lambda: len(pods_of(kubectl, namespace, "set")) == 2)
    first, second = kubectl.names("pods", "-n", namespace)
    kubectl("-n", namespace, "delete", "pod", first)
    eventually(lambda: len(pods_of(kubectl, namespace, "set")) == 2)
    kubectl("-n", namespace, "label", "pod", second, "app=other", "--overwrite")
    eventually(lambda: len(pods_of(kubectl, namespace, "set")) == 2)
    eventually(lambda: "ownerReferences" not in kubectl.json("pod", second, "-n", namespace)["metadata"])
    kubectl("-n", namespace, "label", "pod", second, "app=set", "--overwrite")
    eventually(lambda: len(pods_of(kubectl, namespace, "set")) == 2)


def test_a_replication_controller_keeps_its_pods(kubectl: Kubectl, namespace: str) -> None:
    made = workload("ReplicationController", "old", 2) | {"apiVersion": "v1"}
    made["spec"]["selector"] = {"app": "old"}
    kubectl.apply(made, namespace=namespace)
    eventually(lambda: kubectl.json("rc/old", "-n", namespace)["status"].get("readyReplicas") == 2)


def test_a_daemon_set_is_on_every_node_and_is_replaced_there(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("DaemonSet", "agent"), namespace=namespace)
    kubectl("-n", namespace, "rollout", "status", "daemonset/agent", "--timeout=45s")
    assert sorted(pod["spec"]["nodeName"] for pod in pods_of(kubectl, namespace, "agent")) == list(NODES)
    kubectl("-n", namespace, "set", "image", "daemonset/agent", "c=registry.k8s.io/pause:3.9")
    kubectl("-n", namespace, "rollout", "status", "daemonset/agent", "--timeout=45s")
    assert len(kubectl.items("controllerrevisions", "-n", namespace)) == 2
    kubectl("-n", namespace, "rollout", "undo", "daemonset/agent")
    kubectl("-n", namespace, "rollout", "status", "daemonset/agent", "--timeout=45s")
    assert image_of(kubectl, namespace, "daemonset/agent").endswith("3.10")


def test_a_stateful_set_keeps_names_and_order(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("StatefulSet", "db", 3, serviceName="db"), namespace=namespace)
    kubectl("-n", namespace, "rollout", "status", "statefulset/db", "--timeout=45s")
    made = {pod["metadata"]["name"]: pod["metadata"]["creationTimestamp"] for pod in pods_of(kubectl, namespace, "db")}
    assert list(made) == ["db-0", "db-1", "db-2"]
    assert sorted(made.values()) == list(made.values())
    kubectl(
        "-n",
        namespace,
        "patch",
        "statefulset/db",
        "-p",
        '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}',
    )
    kubectl("-n", namespace, "set", "image", "statefulset/db", "c=registry.k8s.io/pause:3.9")
    eventually(
        lambda: (
            [pod["spec"]["containers"][0]["image"][-4:] for pod in pods_of(kubectl, namespace, "db")]
            == ["3.10", "3.10", ":3.9"]
        )
    )
    kubectl("-n", namespace, "scale", "statefulset/db", "--replicas=1")
    eventually(lambda: [pod["metadata"]["name"] for pod in pods_of(kubectl, namespace, "db")] == ["db-0"])


def test_jobs_complete_fail_and_clean_up(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    cluster.skip_without_jobs()
    failing = {"simulated.cloudk8s.io/run-seconds": "0.1", "simulated.cloudk8s.io/exit-code": "1"}
    kubectl.apply(job("good", completions=3, parallelism=2), job("bad", failing, backoffLimit=1), namespace=namespace)
    kubectl("-n", namespace, "wait", "--for=condition=Complete", "job/good", "--timeout=45s")
    status = kubectl.json("job/good", "-n", namespace)["status"]
    assert (status["succeeded"], "completionTime" in status) == (3, True)
    kubectl("-n", namespace, "wait", "--for=condition=Failed", "job/bad", "--timeout=60s")
    (condition,) = [
        each for each in kubectl.json("job/bad", "-n", namespace)["status"]["conditions"] if each["type"] == "Failed"
    ]
    assert condition["reason"] == "BackoffLimitExceeded"
    kubectl("-n", namespace, "delete", "job", "good")
    eventually(lambda: not kubectl.items("pods", "-n", namespace, "-l", "job=good"))


def test_a_cron_job_makes_jobs(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    wanted = "batch/v1beta1" if cluster.has_upstream_controllers and cluster.upstream.minor < 21 else "batch/v1"
    if not kubectl.has(wanted, "cronjobs"):
        pytest.skip(f"the server has no CronJobs of {wanted}, which the controllers know")
    made = {"schedule": "* * * * *", "jobTemplate": {"spec": job("x")["spec"]}}
    kubectl.apply(
        {"apiVersion": wanted, "kind": "CronJob", "metadata": {"name": "tick"}, "spec": made}, namespace=namespace
    )
    eventually(lambda: kubectl.items("jobs", "-n", namespace), seconds=90)


def test_pods_become_ready(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("Deployment", "web", 2), namespace=namespace)
    eventually(lambda: [is_ready(pod) for pod in pods_of(kubectl, namespace, "web")] == [True, True])
