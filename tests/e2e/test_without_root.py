"""A cluster of a user without privileges: pods have addresses, Services and names. Root runs it as another user."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, environment_in
from tests.e2e.test_network import ECHO, eventually
from tests.network.netns import ip, namespaces

pytestmark = pytest.mark.kubectl
NOBODY = 65534
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
                        "command": ["/usr/bin/env", "python3", "-c", ECHO],
                        "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
                    }
                ],
            },
        },
    },
}


@dataclass(frozen=True)
class User:
    """Somebody without privileges who runs commands."""

    identity: dict[str, Any]
    python: str
    environment: dict[str, str]

    def run(self, *command: str, stdin: str = "", check: bool = True) -> str:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=120, env=self.environment, check=False,
            cwd="/", **self.identity,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def cloudk8s(self, *words: str) -> str:
        return self.run(self.python, "-m", "cloudk8s", *words)

    def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> str:
        return self.run("kubectl", "--context", "cloudk8s-plain", *words, stdin=stdin, check=check)

    def in_a_pod(self, script: str) -> str:
        return self.kubectl("exec", "deployment/web", "--", "sh", "-c", script, check=False).strip()


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    """The home is not below pytest's directory, which each run closes to others again."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    home = Path(tempfile.mkdtemp(prefix="cloudk8s-plain-"))
    user = somebody(home)
    try:
        user.run("unshare", "--user", "--map-root-user", "--net", "true")
    except AssertionError as error:
        pytest.skip(f"user namespaces are not allowed here: {error}")
    user.cloudk8s("up", "--detach", "--port", "0", "--name", "plain")
    try:
        user.kubectl("apply", "-f", "-", stdin=json.dumps(WEB))
        user.kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080")
        user.kubectl(
            "expose", "deployment", "web", "--name=lb", "--type=LoadBalancer", "--port=8099", "--target-port=8080"
        )
        user.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        yield user
    finally:
        user.cloudk8s("down", "--name", "plain", "--purge")
        shutil.rmtree(home, ignore_errors=True)


def somebody(home: Path) -> User:
    """This user; for root somebody else, with an interpreter that they may run."""
    environment = environment_in(home)
    if os.geteuid():
        return User({}, sys.executable, environment)
    uid, gid = anybody()
    os.chown(home, uid, gid)
    for parent in (home, *home.parents):
        if parent.stat().st_uid == 0 and parent != Path("/") and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    identity: dict[str, Any] = {"user": uid, "group": gid, "extra_groups": []}
    environment["PYTHONPATH"] += os.pathsep + sysconfig.get_path("purelib")
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        user = User(identity, python, environment)
        try:
            user.run(python, "-c", "import cloudk8s, typer, orjson")
        except (AssertionError, OSError):
            continue
        return user
    pytest.skip(f"no interpreter that others may run sees {ROOT}")


def anybody() -> tuple[int, int]:
    """Somebody with subordinate ids, if there is anybody: their pods may have other users."""
    path = Path("/etc/subuid")
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            found = pwd.getpwnam(line.partition(":")[0])
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    return NOBODY, NOBODY


def test_names_of_services_resolve_in_pods(user: User):
    web = user.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    eventually(lambda: user.in_a_pod("getent hosts web").split()[:1] == [web])
    eventually(lambda: user.in_a_pod("curl -s -m 5 http://web/").startswith("web-"))
    assert user.in_a_pod("curl -s -m 5 http://web/").startswith("web-")
    assert user.in_a_pod("curl -s -m 5 http://web.default.svc.cluster.local/").startswith("web-")
    assert '"major"' in user.in_a_pod("curl -sk -m 5 https://kubernetes.default/version")
    look_up = "import socket; print(socket.getaddrinfo('web.default.svc', 80)[0][4][0])"
    assert user.in_a_pod(f'python3 -c "{look_up}"') == web


def test_a_pod_reaches_itself_by_its_service(user: User):
    answers = user.in_a_pod("for i in $(seq 20); do curl -s -m 2 http://web/ || echo failed; echo; done").splitlines()
    assert len({answer.split()[0] for answer in answers}) == 2
    assert "failed" not in answers


def test_pods_have_addresses_of_their_own_and_reach_each_other(user: User):
    addresses = user.kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.podIP}").split()
    assert len(set(addresses)) == 2
    for address in addresses:
        assert user.in_a_pod(f"curl -s -m 5 http://{address}:8080/").startswith("web-")


def test_cluster_addresses_answer_on_the_host_from_port_1024_on(user: User):
    address = user.kubectl("get", "service", "lb", "-o", "jsonpath={.spec.clusterIP}")
    port = user.kubectl("get", "service", "lb", "-o", "jsonpath={.spec.ports[0].nodePort}")
    balancer = user.kubectl("get", "service", "lb", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
    for where in (f"{address}:8099", f"127.0.0.1:{port}", f"{balancer}:8099"):
        eventually(lambda where=where: "web-" in user.run("curl", "-s", "-m", "3", f"http://{where}/", check=False))
        if not where.startswith("127.0.0.1"):
            eventually(lambda where=where: user.in_a_pod(f"curl -s -m 5 http://{where}/").startswith("web-"))


def test_datagrams_leave_the_cluster(user: User):
    ranges = json.loads(Path(user.environment["XDG_DATA_HOME"], "cloudk8s", "plain", "network.json").read_text())
    ask = "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5); s.connect(('{}', {}))"
    script = f"{ask}; s.send(b'from a pod'); print(s.recv(100).decode())"
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind((str(ip_network(ranges["load_balancer_range"])[200]), 0))
        threading.Thread(target=answer_once, args=(server,), daemon=True).start()
        assert user.in_a_pod(f'python3 -c "{script.format(*server.getsockname())}"') == "heard: from a pod"


def answer_once(server: socket.socket) -> None:
    data, sender = server.recvfrom(100)
    server.sendto(b"heard: " + data, sender)


def test_programs_of_the_host_reach_every_port_and_name_inside(user: User):
    web = user.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    for where in (web, "web", "web.default.svc.cluster.local"):
        said = user.cloudk8s("shell", "--name", "plain", "--", "curl", "-s", "-m", "5", f"http://{where}/")
        assert said.startswith("web-"), where
    assert user.environment["HOME"] in user.cloudk8s("shell", "--name", "plain", "--", "sh", "-c", "echo $HOME")


def test_pods_have_other_users_where_this_one_has_subordinate_ids(user: User):
    path = "jsonpath={.items[0].metadata.annotations}"
    if "other users" in user.kubectl("get", "nodes", "-o", path):
        pytest.skip("newuidmap is not installed, or the user has no subordinate ids")
    script = "id -u; touch /data/mine; stat -c '%u %g' /data/mine; exec sleep 600"
    container = {"name": "main", "image": "host", "command": ["/bin/sh", "-c", script]}
    container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    security = {"runAsUser": 1234, "runAsGroup": 2345, "fsGroup": 3456}
    spec = {"containers": [container], "securityContext": security, "volumes": [{"name": "data", "emptyDir": {}}]}
    spec["terminationGracePeriodSeconds"] = 1
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other"}, "spec": spec}
    user.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    user.kubectl("wait", "pod/other", "--for=condition=Ready", "--timeout=30s")
    assert user.kubectl("logs", "other").split() == ["1234", "1234", "3456"]


def test_ports_of_the_host_lead_to_pods(user: User):
    for name, host_network, port in (("porter", False, 18081), ("inmate", True, 18082)):
        user.kubectl("apply", "-f", "-", stdin=json.dumps(porter(name, port, host_network=host_network)))
        url = f"http://127.0.0.1:{port}/"
        eventually(lambda url=url, name=name: name in user.run("curl", "-s", "-m", "3", url, check=False))
        user.kubectl("delete", "pod", name, "--timeout=30s")
        eventually(lambda url=url: user.run("curl", "-s", "-m", "3", url, check=False) == "")


def test_ports_that_a_pod_on_the_hosts_network_did_not_declare_answer_too(user: User):
    script = ECHO.replace("8080", "18083")
    container = {"name": "main", "image": "host", "command": ["/usr/bin/env", "python3", "-c", script]}
    container["env"] = [{"name": "POD", "value": "silent"}]
    spec = {"containers": [container], "hostNetwork": True, "terminationGracePeriodSeconds": 1}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "silent"}, "spec": spec}
    user.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    url = "http://127.0.0.1:18083/"
    eventually(lambda: "silent" in user.run("curl", "-s", "-m", "3", url, check=False))
    user.kubectl("delete", "pod", "silent", "--timeout=30s")
    eventually(lambda: user.run("curl", "-s", "-m", "3", url, check=False) == "")


def test_an_ingress_leads_to_pods(user: User):
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("nginx is not installed")
    user.kubectl("create", "ingress", "shop", "--rule=shop.example/*=web:80")
    path = "jsonpath={.status.loadBalancer.ingress[0].ip} {.status.loadBalancer.ingress[0].ports[*].port}"
    eventually(lambda: len(user.kubectl("get", "ingress", "shop", "-o", path).split()) == 3)
    address, http, https = user.kubectl("get", "ingress", "shop", "-o", path).split()
    for url in (f"http://{address}:{http}/", f"https://{address}:{https}/"):
        ask = ("curl", "-sk", "-m", "3", "-H", "Host: shop.example", url)
        eventually(lambda ask=ask: user.run(*ask, check=False).startswith("web-"))
    user.kubectl("delete", "ingress", "shop")


def test_the_api_server_passes_requests_on_to_pods_and_services(user: User):
    pod = user.kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
    for backend in (f"pods/{pod}:8080", "services/web:80"):
        said = user.kubectl("get", "--raw", f"/api/v1/namespaces/default/{backend}/proxy/", check=False)
        assert said.startswith("web-"), backend


def test_a_network_policy_holds(user: User):
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "closed"}}
    user.kubectl("run", "client", "--image=host", "--restart=Never", "--", "sleep", "600")
    user.kubectl("wait", "pod/client", "--for=condition=Ready", "--timeout=30s")

    def reaches() -> bool:
        return "web-" in user.kubectl("exec", "client", "--", "curl", "-s", "-m", "1", "http://web/", check=False)

    eventually(reaches)
    user.kubectl("apply", "-f", "-", stdin=json.dumps(policy | {"spec": spec}))
    eventually(lambda: not reaches())
    user.kubectl("delete", "networkpolicy", "closed")
    eventually(reaches)
    user.kubectl("delete", "pod", "client", "--grace-period=0", "--force", "--wait=false")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another host to come from")
def test_clients_keep_their_addresses_at_node_ports_and_ports_of_the_host(user: User) -> None:
    client_address, gateway = "198.51.100.29", "198.51.100.28"
    user.kubectl("expose", "deployment", "web", "--name=local", "--type=NodePort", "--port=80", "--target-port=8080")
    paths = ("-o", "jsonpath={.spec.ports[0].nodePort}"), ("-o", "jsonpath={.items[0].status.addresses[0].address}")
    port, node = user.kubectl("get", "service", "local", *paths[0]), user.kubectl("get", "nodes", *paths[1])
    with namespaces("client") as (client,):
        ip("link", "add", "ckplain", "type", "veth", "peer", "eth0", "netns", client.name)
        ip("address", "add", f"{gateway}/31", "dev", "ckplain")
        ip("link", "set", "ckplain", "up")
        client.ip("address", "add", f"{client_address}/31", "dev", "eth0")
        client.ip("link", "set", "eth0", "up")
        client.ip("route", "add", "default", "via", gateway)

        def seen(port: str = port) -> str:
            code = f"import urllib.request as r; print(r.urlopen('http://{node}:{port}/', timeout=5).read().decode())"
            words = ("ip", "netns", "exec", client.name, sys.executable, "-c", code)
            done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
            return done.stdout.strip().rpartition(" ")[2]

        eventually(lambda: seen() != "")
        assert seen() != client_address
        user.kubectl("patch", "service", "local", "-p", '{"spec": {"externalTrafficPolicy": "Local"}}')
        eventually(lambda: seen() == client_address)
        for host_network in (False, True):
            user.kubectl("apply", "-f", "-", stdin=json.dumps(porter("porter", 18084, host_network=host_network)))
            eventually(lambda: seen("18084") == client_address)
            assert user.run("curl", "-s", "-m", "3", f"http://{node}:18084/").startswith("porter ")
            user.kubectl("delete", "pod", "porter", "--timeout=30s")
    user.kubectl("delete", "service", "local")


def porter(name: str, port: int, *, host_network: bool) -> dict[str, Any]:
    """A pod behind a port of the host."""
    inner = port if host_network else 8080
    container = {
        "name": "main",
        "image": "host",
        "command": ["/usr/bin/env", "python3", "-c", ECHO.replace("8080", str(inner))],
        "ports": [{"containerPort": inner, "hostPort": port}],
        "env": [{"name": "POD", "value": name}],
    }
    spec = {"containers": [container], "hostNetwork": host_network, "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def test_the_node_and_status_say_what_is_missing(user: User):
    path = "jsonpath={.items[0].status.conditions[?(@.type=='IsolationComplete')].message}"
    said = user.kubectl("get", "nodes", "-o", path)
    assert "limits of CPU" in said
    assert "a network of its own" not in said
    assert "limits of CPU" in json.loads(user.cloudk8s("status", "--name", "plain", "-o", "json"))["limits"]


def test_pods_may_go_on_while_the_cluster_is_stopped(user: User):
    look = ("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].status.containerStatuses[0].containerID}")
    before = user.kubectl(*look)
    user.cloudk8s("down", "--name", "plain", "--keep-pods")
    user.cloudk8s("up", "--detach", "--port", "0", "--name", "plain")
    eventually(lambda: user.in_a_pod("curl -s -m 5 http://web/").startswith("web-"))
    assert user.kubectl(*look) == before


@pytest.mark.slow
def test_pods_end_with_the_cluster_and_come_back_with_it(user: User):
    user.cloudk8s("down", "--name", "plain")
    assert not [line for line in processes() if user.environment["XDG_DATA_HOME"] in line]
    user.cloudk8s("up", "--detach", "--port", "0", "--name", "plain")
    eventually(lambda: user.in_a_pod("curl -s -m 5 http://web/").startswith("web-"))


def test_nothing_is_left_after_a_purge(user: User):
    user.cloudk8s("down", "--name", "plain", "--purge")
    assert not [line for line in processes() if user.environment["XDG_DATA_HOME"] in line]
    assert not Path(user.environment["XDG_DATA_HOME"], "cloudk8s", "plain").exists()


def processes() -> list[str]:
    found = subprocess.run(["ps", "-wweo", "stat,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if not line.startswith("Z")]
