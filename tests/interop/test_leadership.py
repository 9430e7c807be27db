"""Replicas of both sides stand in for one another: they compete for the same Leases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.clusters import Cluster, api_server
from tests.interop.objects import workload
from tests.interop.processes import eventually
from tests.interop.upstream import Upstream

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]
TIMINGS = (
    "--leader-elect-lease-duration=6s",
    "--leader-elect-renew-deadline=4s",
    "--leader-elect-retry-period=1s",
)


def holder(cluster: Cluster, lease: str) -> str:
    found = cluster.kubectl.run("get", "lease", lease, "-n", "kube-system", "-o", "jsonpath={.spec.holderIdentity}")
    return found.stdout.strip()


def pods_are_made(cluster: Cluster, name: str) -> None:
    cluster.kubectl.apply(workload("Deployment", name, 2))
    eventually(lambda: len(cluster.kubectl.items("pods", "-l", f"app={name}")) == 2)


@pytest.mark.parametrize("is_upstream", [False, True], ids=["our-apiserver", "upstream-apiserver"])
def test_controllers_of_one_side_take_over_from_the_other(
    upstream: Upstream, tmp_path: Path, is_upstream: bool
) -> None:
    with api_server(tmp_path, upstream, is_upstream=is_upstream) as cluster:
        cluster.start_upstream_manager(*TIMINGS, name="theirs")
        first = eventually(lambda: holder(cluster, "kube-controller-manager"), seconds=60)
        eventually(lambda: cluster.kubectl.names("serviceaccounts"))
        cluster.start_our_manager(*TIMINGS, name="ours")
        pods_are_made(cluster, "before")
        assert holder(cluster, "kube-controller-manager") == first
        cluster.processes.kill("theirs")
        second = eventually(lambda: {holder(cluster, "kube-controller-manager")} - {first, ""})
        pods_are_made(cluster, "between")
        cluster.start_upstream_manager(*TIMINGS, name="theirs")
        cluster.processes.end("ours")
        eventually(lambda: {holder(cluster, "kube-controller-manager")} - {first, "", *second}, seconds=60)
        pods_are_made(cluster, "after")
        assert len(cluster.kubectl.items("pods")) == 6
        assert len(cluster.kubectl.items("replicasets")) == 3


@pytest.mark.parametrize("is_upstream", [False, True], ids=["our-apiserver", "upstream-apiserver"])
def test_schedulers_of_both_sides_share_the_work_by_name(upstream: Upstream, tmp_path: Path, is_upstream: bool) -> None:
    """Two schedulers at once: each takes the pods that name it, ours and upstream's side by side."""
    config = tmp_path / "scheduler.yaml"
    config.write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "leaderElection: {leaderElect: false}\nprofiles: [{schedulerName: ours}]\n"
    )
    with api_server(tmp_path, upstream, is_upstream=is_upstream) as cluster:
        cluster.start_others()
        if is_upstream:
            cluster.start_upstream_scheduler("--leader-elect=false", name="second")
            cluster.processes.end("scheduler")
        cluster.start_our_scheduler("--config", str(config), name="ours")
        config_of_nodes = str(cluster.server.kubeconfig)
        cluster.processes.start_ours("nodes", "simulated-nodes", "--kubeconfig", config_of_nodes, "--count", "3")
        cluster.kubectl.apply(
            workload("Deployment", "theirs", 4), workload("Deployment", "mine", 4, {"schedulerName": "ours"})
        )
        for name in ("theirs", "mine"):
            cluster.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s")
        sources = {
            (
                event["involvedObject"]["name"].partition("-")[0],
                event.get("reportingComponent") or event["source"]["component"],
            )
            for event in cluster.kubectl.items("events")
            if event["reason"] == "Scheduled"
        }
        assert {who for who, _ in sources} == {"theirs", "mine"}
