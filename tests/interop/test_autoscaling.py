"""Upstream's autoscaler with metrics of our API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.informer import Informers
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.resource_metrics import running_resource_metrics
from cloudk8s.controlplane.simulated import Simulation, running_simulated_nodes
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings
from tests.interop.clusters import Cluster, our_version
from tests.interop.kubectl import Kubectl
from tests.interop.objects import asking, workload
from tests.interop.processes import Processes, eventually
from tests.interop.servers import Server
from tests.interop.upstream import Upstream

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]
AT_ONCE = (
    "--horizontal-pod-autoscaler-sync-period=2s",
    "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
    "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
    "--horizontal-pod-autoscaler-downscale-stabilization=2s",
)


@asynccontextmanager
async def measured_cluster(folder: Path, upstream: Upstream) -> AsyncIterator[Cluster]:
    """Our API server with simulated nodes and what they use, in this process; controllers are upstream's."""
    clock, processes = SystemClock(), Processes(folder)
    settings = ClusterSettings(
        data_dir=folder / "data", port=0, store="memory://", kubernetes_version=our_version(upstream)
    )
    async with (
        running_api_server(settings) as server,
        Informers(server.client("test", "system:masters"), clock=clock) as informers,
    ):
        config = folder / "admin.conf"
        kubeconfig.write(config, server.access())
        nodes = running_simulated_nodes(server, informers, Simulation(2), clock=clock, have_cloud=False)
        async with nodes as usage, running_resource_metrics(server, informers, [usage], clock=clock):
            made = Server(False, server.url, config, server.pki, Kubectl(config))
            cluster = Cluster(made, upstream, processes)
            try:
                yield cluster
            finally:
                await asyncio.to_thread(processes.stop)


async def test_upstreams_autoscaler_follows_the_load(upstream: Upstream, tmp_path: Path) -> None:
    async with measured_cluster(tmp_path, upstream) as cluster:
        await asyncio.to_thread(scale_up_and_down, cluster)


def scale_up_and_down(cluster: Cluster) -> None:
    cluster.start_upstream_manager(*AT_ONCE)
    cluster.start_upstream_scheduler()
    kubectl = cluster.kubectl
    eventually(lambda: kubectl("get", "serviceaccount", "default"), seconds=60)
    made = workload("Deployment", "web", 1, {"containers": asking(cpu="100m")})
    made["spec"]["template"]["metadata"]["annotations"] = {"simulated.cloudk8s.io/usage-cpu": "300m"}
    kubectl.apply(made)
    kubectl("autoscale", "deployment", "web", "--min=1", "--max=4", "--cpu-percent=100")
    eventually(replicas_are(kubectl, 4), seconds=90)
    annotation = '{"spec":{"template":{"metadata":{"annotations":{"simulated.cloudk8s.io/usage-cpu":"10m"}}}}}'
    kubectl("patch", "deployment", "web", "-p", annotation)
    eventually(replicas_are(kubectl, 1), seconds=100)


def replicas_are(kubectl: Kubectl, count: int) -> Callable[[], bool]:
    return lambda: bool(kubectl.json("deployment/web")["spec"]["replicas"] == count)
