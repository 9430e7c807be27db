"""A user without privileges or namespaces: pods share the host's network, and Services are listeners."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_network import eventually
from tests.e2e.test_services import DIAL, SERVER
from tests.e2e.test_without_root import User, processes, somebody

pytestmark = [pytest.mark.kubectl, pytest.mark.slow]
PORTS = {"web": 18601, "other": 18611}
"""Pods share all ports: each of them has its own, and the one after it."""


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    home = Path(tempfile.mkdtemp(prefix="cloudk8s-shared-"))
    user = somebody(home)
    user.environment["CLOUDK8S_ROOTLESS_NETWORK"] = "off"
    user.cloudk8s("up", "--detach", "--port", "0", "--name", "plain")
    try:
        for name, port in PORTS.items():
            user.kubectl("apply", "-f", "-", stdin=json.dumps(pod(name, port)))
        user.kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
        yield user
    finally:
        user.cloudk8s("down", "--name", "plain", "--purge")
        shutil.rmtree(home, ignore_errors=True)


def pod(name: str, port: int) -> dict[str, Any]:
    script = SERVER.replace("8080", str(port)).replace("9090", str(port + 1))
    container = {"name": "server", "image": "host", "command": ["/usr/bin/env", "python3", "-c", script]}
    ports = [{"name": "web", "containerPort": port}, {"name": "asked", "containerPort": port, "protocol": "UDP"}]
    container |= {"env": [{"name": "POD", "value": name}], "ports": ports}
    container |= {"readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}}, "spec": spec}


def expose(user: User, name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 18080, "targetPort": "web"}]
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}
    spec = {"selector": {"app": "web"}, "ports": ports} | spec
    user.kubectl("apply", "-f", "-", stdin=json.dumps(body | {"spec": spec}))
    return read(user, name)


def read(user: User, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(user.kubectl("get", "service", name, "-o", "json"))
    return found


def answers(address: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> set[str]:
    found = set()
    for _ in range(12):
        with socket.socket(type=kind) as made:
            made.settimeout(2)
            try:
                made.connect((address, port))
                made.send(b"?")
                found.add((made.recv(200).decode().split() or ["nobody"])[0])
            except OSError:
                found.add("nobody")
    return found


def test_every_address_of_a_service_answers(user: User):
    made = expose(user, "lb", type="LoadBalancer")
    eventually(lambda: answers(made["spec"]["clusterIP"], 18080) == set(PORTS))
    assert answers("127.0.0.1", made["spec"]["ports"][0]["nodePort"]) == set(PORTS)
    eventually(lambda: bool(read(user, "lb")["status"]["loadBalancer"].get("ingress")))
    balancer = read(user, "lb")["status"]["loadBalancer"]["ingress"][0]["ip"]
    eventually(lambda: answers(balancer, 18080) == set(PORTS))
    said = user.kubectl("exec", "web", "--", "python3", "-c", DIAL, "tcp", made["spec"]["clusterIP"], "18080", "12")
    assert {line.split()[0] for line in said.splitlines()} == set(PORTS)


def test_affinity_and_datagrams_are_served_too(user: User):
    sticky = expose(user, "sticky", sessionAffinity="ClientIP")
    eventually(lambda: len(answers(sticky["spec"]["clusterIP"], 18080) & set(PORTS)) == 1)
    ports = [{"port": 18081, "targetPort": "asked", "protocol": "UDP"}]
    datagrams = expose(user, "datagrams", ports=ports)
    where = datagrams["spec"]["clusterIP"]
    eventually(lambda: answers(where, 18081, socket.SOCK_DGRAM) <= set(PORTS))


def test_a_pod_that_is_not_ready_gets_nothing(user: User):
    made = expose(user, "ready")
    eventually(lambda: answers(made["spec"]["clusterIP"], 18080) == set(PORTS))
    user.kubectl("label", "pod", "other", "app=gone", "--overwrite")
    eventually(lambda: answers(made["spec"]["clusterIP"], 18080) == {"web"})
    user.kubectl("label", "pod", "other", "app=web", "--overwrite")


def test_what_is_missing_is_said(user: User):
    path = "jsonpath={.items[0].status.conditions[?(@.type=='IsolationComplete')].message}"
    assert "a network of its own" in user.kubectl("get", "nodes", "-o", path)


def test_nothing_is_left_after_a_stop(user: User):
    user.cloudk8s("down", "--name", "plain")
    assert not [line for line in processes() if user.environment["XDG_DATA_HOME"] in line]
