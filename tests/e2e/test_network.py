"""The network of a real cluster: pods, Services, names and load balancers, by the programs that users use."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started

pytestmark = [pytest.mark.kubectl, pytest.mark.root]
ECHO = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{os.environ['POD']} {self.client_address[0]}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): ...
http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""
WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": "server",
                        "image": "host",
                        "command": ["python3", "-c", ECHO],
                        "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                        "readinessProbe": {
                            "exec": {"command": ["sh", "-c", "test ! -e /tmp/unready-$POD"]},
                            "periodSeconds": 1,
                            "failureThreshold": 1,
                        },
                    }
                ],
            },
        },
    },
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    if os.geteuid() != 0:
        pytest.skip("pods have addresses of their own only with privileges")
    cluster = started(tmp_path_factory.mktemp("network"), "network")
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "network", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    kubectl("apply", "-f", "-", stdin=json.dumps(WEB))
    kubectl("expose", "deployment", "web", "--type=LoadBalancer", "--port=80", "--target-port=8080")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("wait", "--for=jsonpath={.status.loadBalancer.ingress}", "service/web", "--timeout=30s")
    return kubectl


def field(kubectl: Kubectl, path: str, *what: str) -> str:
    return kubectl("get", *(what or ("service", "web")), "-o", f"jsonpath={{{path}}}")


def get(address: str, port: int = 80) -> str:
    """The name of the pod that answers, and whom it saw."""
    with urllib.request.urlopen(f"http://{address}:{port}/", timeout=3) as answer:
        return str(answer.read().decode())


def pods_behind(address: str, port: int = 80) -> set[str]:
    found = set()
    for _ in range(30):
        try:
            found.add(get(address, port).split()[0])
        except (urllib.error.URLError, OSError):
            continue
    return found


def eventually(look: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def in_a_pod(kubectl: Kubectl, script: str) -> str:
    return kubectl("exec", "deployment/web", "--", "sh", "-c", script).strip()


def test_every_address_of_a_service_answers_on_the_host(kubectl: Kubectl):
    names = set(field(kubectl, ".items[*].metadata.name", "pods", "-l", "app=web").split())
    node = field(kubectl, ".items[0].status.addresses[0].address", "nodes")
    assert pods_behind(field(kubectl, ".spec.clusterIP")) == names
    assert pods_behind(node, int(field(kubectl, ".spec.ports[0].nodePort"))) == names
    assert pods_behind(field(kubectl, ".status.loadBalancer.ingress[0].ip")) == names


def test_a_pod_finds_services_by_name(kubectl: Kubectl):
    assert "web-" in in_a_pod(kubectl, "curl -s http://web/")
    assert "web-" in in_a_pod(kubectl, "curl -s http://web.default.svc.cluster.local/")
    assert '"major"' in in_a_pod(kubectl, "curl -sk https://kubernetes.default/version")
    assert "10." in in_a_pod(kubectl, "getent hosts kubernetes.default")
    dns = field(kubectl, ".spec.clusterIP", "service", "kube-dns", "-n", "kube-system")
    assert f"nameserver {dns}\n" in kubectl("exec", "deployment/web", "--", "cat", "/etc/resolv.conf")


def test_programs_of_the_host_resolve_names_inside(cluster: Cluster, kubectl: Kubectl):
    before = Path("/etc/resolv.conf").read_bytes()
    said = cloudk8s(cluster.environment, "shell", "--name", "network", "--", "curl", "-s", "-m", "5", "http://web/")
    assert said.startswith("web-")
    assert Path("/etc/resolv.conf").read_bytes() == before


def test_a_pod_reaches_itself_by_its_service(kubectl: Kubectl):
    script = "for i in $(seq 20); do curl -s -m 2 http://web/ || echo failed; echo; done"
    answers = in_a_pod(kubectl, script).splitlines()
    assert len({answer.split()[0] for answer in answers}) == 2
    assert "failed" not in answers


def test_readiness_takes_a_pod_out_and_back(kubectl: Kubectl):
    names = field(kubectl, ".items[*].metadata.name", "pods", "-l", "app=web").split()
    address, flag = field(kubectl, ".spec.clusterIP"), f"/tmp/unready-{names[0]}"
    kubectl("exec", names[0], "--", "touch", flag)
    try:
        eventually(lambda: pods_behind(address) == {names[1]})
    finally:
        kubectl("exec", names[0], "--", "rm", flag)
    eventually(lambda: pods_behind(address) == set(names))


def test_policy_local_keeps_the_clients_address(kubectl: Kubectl):
    kubectl("patch", "service", "web", "-p", '{"spec":{"externalTrafficPolicy":"Local"}}')
    try:
        port = int(field(kubectl, ".spec.healthCheckNodePort"))
        node = field(kubectl, ".items[0].status.addresses[0].address", "nodes")

        def health() -> bool:
            try:
                with urllib.request.urlopen(f"http://{node}:{port}/healthz", timeout=2) as answer:
                    return bool(json.load(answer)["localEndpoints"] == 2)
            except OSError:
                return False

        eventually(health)
    finally:
        kubectl("patch", "service", "web", "-p", '{"spec":{"externalTrafficPolicy":"Cluster"}}')


def test_a_service_may_change_its_type_and_back(kubectl: Kubectl):
    kubectl("create", "service", "externalname", "alias", "--external-name=web.default.svc.cluster.local")
    eventually(lambda: "web-" in in_a_pod(kubectl, "curl -s -m 2 http://alias/ || true"))
    change = {"spec": {"type": "ClusterIP", "externalName": None, "selector": {"app": "web"}}}
    change["spec"]["ports"] = [{"port": 81, "targetPort": 8080}]
    kubectl("patch", "service", "alias", "-p", json.dumps(change))
    eventually(lambda: "web-" in in_a_pod(kubectl, "curl -s -m 2 http://alias:81/ || true"))
    kubectl("delete", "service", "alias")


def test_affinity_keeps_a_client_at_one_pod(kubectl: Kubectl):
    kubectl("patch", "service", "web", "-p", '{"spec":{"sessionAffinity":"ClientIP"}}')
    address = field(kubectl, ".spec.clusterIP")
    eventually(lambda: len(pods_behind(address)) == 1)
    kubectl("patch", "service", "web", "-p", '{"spec":{"sessionAffinity":"None"}}')
    eventually(lambda: len(pods_behind(address)) == 2)


def test_a_network_policy_holds_while_it_is_there(kubectl: Kubectl):
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": spec,
    }
    kubectl("run", "client", "--image=host", "--restart=Never", "--", "sleep", "600")
    kubectl("wait", "pod/client", "--for=condition=Ready", "--timeout=30s")

    def reaches() -> bool:
        return kubectl.run("exec", "client", "--", "curl", "-s", "-m", "1", "http://web/").returncode == 0

    eventually(reaches)
    kubectl("apply", "-f", "-", stdin=json.dumps(policy))
    eventually(lambda: not reaches())
    kubectl("delete", "networkpolicy", "closed")
    eventually(reaches)
    kubectl("delete", "pod", "client", "--grace-period=0", "--force", "--wait=false")


def test_a_load_balancer_keeps_its_address_and_a_killed_cluster_leaves_nothing(cluster: Cluster, kubectl: Kubectl):
    address = field(kubectl, ".status.loadBalancer.ingress[0].ip")
    state = Path(cluster.environment["XDG_DATA_HOME"], "cloudk8s", "network", "cluster.json")
    os.kill(json.loads(state.read_text())["pid"], signal.SIGKILL)
    eventually(lambda: not _agents(cluster))
    assert address in _in_the_kernel()
    cloudk8s(cluster.environment, "down", "--name", "network", "--keep-pods")
    assert address not in _in_the_kernel()
    assert "cloudk8s-network" not in _in_the_kernel()
    cloudk8s(cluster.environment, "up", "--detach", "--port", "0", "--name", "network")
    eventually(lambda: len(pods_behind(address)) == 2)
    assert field(kubectl, ".status.loadBalancer.ingress[0].ip") == address
    kubectl("delete", "service", "web")
    eventually(lambda: address not in _in_the_kernel())


def _in_the_kernel() -> str:
    commands = (["ip", "address", "show", "dev", "lo"], ["nft", "list", "tables"])
    return "".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands)


def _agents(cluster: Cluster) -> list[str]:
    """The command lines of node agents of this cluster."""
    directory = cluster.environment["XDG_DATA_HOME"]
    found = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if " kubelet " in line and directory in line]
