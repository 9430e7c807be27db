from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.doors import doors_of
from cloudk8s.network.rootless.host_ports import Here, rules_of, undeclared
from cloudk8s.network.rootless.listening import Listening, listening

HERE = Here(frozenset({"n1"}), ("192.0.2.1", "127.0.0.1"))


def pod(*ports: dict[str, Any], node: str = "n1", phase: str = "Running", ip: str = "10.244.0.5") -> dict[str, Any]:
    spec = {"nodeName": node, "containers": [{"name": "main", "ports": list(ports)}]}
    metadata = {"name": "web", "namespace": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": phase, "podIP": ip},
    }


def test_a_host_port_is_on_every_address_of_the_host():
    (rule,) = rules_of(pod({"containerPort": 80, "hostPort": 8080}), HERE)
    assert (rule.external_ips, rule.port) == (("192.0.2.1", "127.0.0.1"), 8080)
    assert rule.cluster == rule.external == (Backend("10.244.0.5", 80),)
    assert all(door.keeps_client for door in doors_of(rule, ()).values())


def test_a_host_ip_limits_it_to_one_address():
    (rule,) = rules_of(pod({"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1"}), HERE)
    assert rule.external_ips == ("127.0.0.1",)
    assert list(rules_of(pod({"containerPort": 80, "hostPort": 8080, "hostIP": "192.0.2.9"}), HERE)) == []


def test_other_pods_ask_for_nothing():
    port = {"containerPort": 80, "hostPort": 8080}
    for other in (pod({"containerPort": 80}), pod(port, node="n2"), pod(port, phase="Failed"), pod(port, ip="")):
        assert list(rules_of(other, HERE)) == []


def test_what_a_pod_on_the_hosts_network_listens_on_answers_where_it_listens():
    found = {Listening("TCP", "0.0.0.0", 80), Listening("UDP", "127.0.0.1", 53), Listening("TCP", "10.244.0.1", 81)}
    rules = {rule.port: rule for rule in undeclared(found, (), HERE)}
    assert rules.keys() == {80, 53}
    assert rules[80].external_ips == ("192.0.2.1", "127.0.0.1")
    assert rules[80].cluster == (Backend("192.0.2.1", 80),)
    assert (rules[53].external_ips, rules[53].key.protocol) == (("127.0.0.1",), "UDP")


def test_what_pods_declared_is_theirs():
    declared = list(rules_of(pod({"containerPort": 80, "hostPort": 80}), HERE))
    found = {Listening("TCP", "::", 80), Listening("UDP", "::", 80)}
    assert [rule.key.protocol for rule in undeclared(found, declared, HERE)] == ["UDP"]


def test_the_kernels_list_tells_servers_from_clients():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.create_connection(server.getsockname()) as client,
        socket.socket(type=socket.SOCK_DGRAM) as asking,
    ):
        asking.bind(("127.0.0.1", 0))
        found = listening(os.getpid())
        assert Listening("TCP", "127.0.0.1", server.getsockname()[1]) in found
        assert Listening("TCP", "::1", six.getsockname()[1]) in found
        assert client.getsockname()[1] not in {each.port for each in found}
        assert asking.getsockname()[1] not in {each.port for each in found if each.protocol == "UDP"}


def test_a_process_that_is_gone_listens_nowhere(tmp_path: Path):
    assert listening(1, proc=tmp_path) == frozenset()
