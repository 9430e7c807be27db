"""Health and metrics of one side's components, which ask the other side's API server who may see them."""

from __future__ import annotations

import subprocess

import pytest

from tests.interop.clusters import Cluster
from tests.interop.kubectl import Kubectl
from tests.interop.processes import eventually, free_port

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]


def answered(port: int, path: str, token: str = "") -> int:
    header = ["-H", f"Authorization: Bearer {token}"] if token else []
    command = ["curl", "-sk", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", *header]
    done = subprocess.run([*command, f"https://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=False)
    return int(done.stdout or 0)


def test_metrics_are_for_those_whom_the_api_server_lets(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    """Of a scheduler that waits for the one that leads."""
    port = free_port()
    if cluster.server.is_upstream:
        cluster.start_our_scheduler(f"--secure-port={port}", name="standby")
    else:
        config = cluster.processes.folder / "scheduler.conf"
        asking = [f"--{what}-kubeconfig={config}" for what in ("authentication", "authorization")]
        cluster.start_upstream_scheduler(f"--secure-port={port}", *asking, name="standby")
    try:
        eventually(lambda: answered(port, "/healthz") == 200, seconds=40)
        for name in ("prometheus", "nobody"):
            kubectl("-n", namespace, "create", "serviceaccount", name)
        rules = ("--verb=get", "--non-resource-url=/metrics")
        kubectl("create", "clusterrole", "interop-metrics", *rules)
        account = f"--serviceaccount={namespace}:prometheus"
        kubectl("create", "clusterrolebinding", "interop-metrics", "--clusterrole=interop-metrics", account)
        tokens = {name: kubectl("-n", namespace, "create", "token", name).strip() for name in ("prometheus", "nobody")}
        eventually(lambda: answered(port, "/metrics", tokens["prometheus"]) == 200)
        assert answered(port, "/metrics", tokens["nobody"]) == 403
        assert answered(port, "/metrics", "nonsense") == 401
        assert answered(port, "/metrics") == 403
    finally:
        cluster.processes.end("standby")
        kubectl.run("delete", "clusterrole,clusterrolebinding", "interop-metrics")
