"""Our cloud controllers on kube-apiserver: nodes are initialised, Services get an address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.clusters import Cluster, api_server
from tests.interop.kubectl import Kubectl
from tests.interop.objects import service, workload
from tests.interop.processes import eventually
from tests.interop.upstream import Upstream

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]
CLOUDS = """
clouds: [{name: lab, provider: simulated, settings: {any_node: true}}]
controllers: {cluster: lab, configure_cloud_routes: false}
"""
UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"


@pytest.fixture(scope="module")
def cluster(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Upstream's API server, controllers and scheduler; of ours are the cloud and the nodes that it knows."""
    folder = tmp_path_factory.mktemp("cloud")
    with api_server(folder, upstream, is_upstream=True) as cluster:
        cluster.start_upstream_manager()
        cluster.start_upstream_scheduler()
        eventually(lambda: cluster.kubectl("-n", "default", "get", "serviceaccount", "default"), seconds=60)
        config = str(cluster.server.kubeconfig)
        nodes = ("simulated-nodes", "--kubeconfig", config, "--count", "2", "--for-cloud")
        cluster.processes.start_ours("nodes", *nodes)
        eventually(lambda: len(cluster.kubectl.items("nodes")) == 2)
        assert all(UNINITIALIZED in taints_of(each) for each in cluster.kubectl.items("nodes"))
        (folder / "clouds.yaml").write_text(CLOUDS)
        cluster.processes.start_ours(
            "cloud", "cloud-controller-manager", "--kubeconfig", config, "--config", str(folder / "clouds.yaml"),
            "--secure-port=0",
        )  # fmt: skip
        yield cluster


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl


def taints_of(node: dict[str, dict[str, list[dict[str, str]]]]) -> set[str]:
    return {taint["key"] for taint in node["spec"].get("taints", ())}


def test_nodes_are_initialised(kubectl: Kubectl) -> None:
    eventually(lambda: not any(UNINITIALIZED in taints_of(each) for each in kubectl.items("nodes")))
    for node in kubectl.items("nodes"):
        assert node["spec"]["providerID"].startswith("simulated://")
        assert "topology.kubernetes.io/zone" in node["metadata"]["labels"]


def test_a_service_gets_an_address_of_the_cloud_and_gives_it_back(kubectl: Kubectl) -> None:
    kubectl.apply(workload("Deployment", "web", 2), service("web", type="LoadBalancer"))
    kubectl("rollout", "status", "deployment/web", "--timeout=45s")
    eventually(lambda: kubectl.json("service/web")["status"]["loadBalancer"].get("ingress"))
    assert "service.kubernetes.io/load-balancer-cleanup" in kubectl.json("service/web")["metadata"]["finalizers"]
    kubectl("delete", "service", "web", "--timeout=40s")
    assert "web" not in kubectl.names("services")
