"""Service proxies of the other side, each in a network namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.clusters import Cluster, api_server
from tests.interop.networks import ADDRESS, own_network
from tests.interop.objects import Object
from tests.interop.processes import eventually
from tests.interop.upstream import Upstream, program_or_skip

pytestmark = [pytest.mark.slow, pytest.mark.kubectl, pytest.mark.root]
NO_LIMITS = [f"--conntrack-{what}=0" for what in ("max-per-core", "tcp-timeout-established", "tcp-timeout-close-wait")]


def test_upstreams_proxy_forwards_services_of_our_server(upstream: Upstream, tmp_path: Path) -> None:
    program_or_skip("iptables")
    with own_network() as inside, api_server(tmp_path, upstream, is_upstream=False, prefix=inside) as cluster:
        cluster.start_others()
        # before 1.21 it knows EndpointSlices of a version that servers since 1.25 do not have
        gates = ["--feature-gates=EndpointSliceProxying=false"] if upstream.minor < 21 else []
        config = cluster.server.kubeconfig_of(tmp_path / "proxy.conf", "kube-proxy")
        command = [upstream.path("kube-proxy"), f"--kubeconfig={config}", "--hostname-override=worker"]
        cluster.processes.start("proxy", [*command, "--proxy-mode=iptables", *NO_LIMITS, *gates])
        services_are_forwarded(cluster)
        assert "KUBE-SERVICES" in subprocess.run([*inside, "iptables-save"], capture_output=True, text=True).stdout


def test_our_proxy_forwards_services_of_upstreams_server(upstream: Upstream, tmp_path: Path) -> None:
    with own_network() as inside, api_server(tmp_path, upstream, is_upstream=True, prefix=inside) as cluster:
        if not cluster.kubectl.has("discovery.k8s.io/v1", "endpointslices"):
            pytest.skip("the server has no EndpointSlices of discovery.k8s.io/v1, which our proxy reads")
        cluster.start_others()
        config = str(cluster.server.kubeconfig)
        cluster.processes.start_ours("proxy", "proxy", "--kubeconfig", config, "--healthz-port", "0")
        services_are_forwarded(cluster)


def services_are_forwarded(cluster: Cluster) -> None:
    """One whose endpoints are written by hand: the answering program is on the node itself."""
    folder, prefix = cluster.processes.folder / "served", cluster.processes.prefix
    folder.mkdir()
    (folder / "hello").write_text("world")
    server = [sys.executable, "-m", "http.server", "8080", "--bind", ADDRESS, "--directory", str(folder)]
    cluster.processes.start("web", server)
    cluster.kubectl.apply(*written("web"))
    address = cluster.kubectl.json("service/web")["spec"]["clusterIP"]

    def answer() -> str:
        command = [*prefix, "curl", "-s", "-m", "2", f"http://{address}/hello"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    eventually(lambda: answer() == "world", seconds=60)
    cluster.kubectl("delete", "service", "web")
    eventually(lambda: answer() == "", seconds=40)


def written(name: str) -> tuple[Object, Object]:
    spec = {"ports": [{"port": 80, "targetPort": 8080}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
    subset = {"addresses": [{"ip": ADDRESS}], "ports": [{"port": 8080}]}
    return service, {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name}, "subsets": [subset]}
