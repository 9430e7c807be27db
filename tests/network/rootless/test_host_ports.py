from __future__ import annotations

from typing import Any

from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.rootless.host_ports import rules_of

NODES = frozenset({"n1"})
HERE = ("192.0.2.1", "127.0.0.1")


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
    (rule,) = rules_of(pod({"containerPort": 80, "hostPort": 8080}), NODES, HERE)
    assert (rule.cluster_ip, rule.external_ips, rule.port) == ("192.0.2.1", ("127.0.0.1",), 8080)
    assert rule.cluster == (Backend("10.244.0.5", 80),)


def test_a_host_ip_limits_it_to_one_address():
    (rule,) = rules_of(pod({"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1"}), NODES, HERE)
    assert (rule.cluster_ip, rule.external_ips) == ("127.0.0.1", ())
    assert list(rules_of(pod({"containerPort": 80, "hostPort": 8080, "hostIP": "192.0.2.9"}), NODES, HERE)) == []


def test_other_pods_ask_for_nothing():
    port = {"containerPort": 80, "hostPort": 8080}
    for other in (pod({"containerPort": 80}), pod(port, node="n2"), pod(port, phase="Failed"), pod(port, ip="")):
        assert list(rules_of(other, NODES, HERE)) == []
