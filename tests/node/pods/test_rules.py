"""DNS, hosts files, host names, back-off and the node's own admission."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.node.pods import dns, hosts_file, sandbox
from cloudk8s.node.pods.admission import rejection, requests
from cloudk8s.node.pods.backoff import Backoff
from cloudk8s.node.pods.dns import ClusterDNS, pod_dns
from cloudk8s.node.runtimes import resolv_conf
from cloudk8s.node.runtimes.interface import DNSConfig

from .given import NOW, each, pod

CLUSTER = ClusterDNS(("10.96.0.10",), "cluster.local")
HOST = DNSConfig(("192.0.2.53",), ("example.com",), ("timeout:1",))
OWN = ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")


@pytest.mark.parametrize(
    ("spec", "servers", "searches"),
    [
        ({}, ("10.96.0.10",), (*OWN, "example.com")),
        ({"dnsPolicy": "Default"}, ("192.0.2.53",), ("example.com",)),
        ({"hostNetwork": True}, ("192.0.2.53",), ("example.com",)),
        ({"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}, ("10.96.0.10",), (*OWN, "example.com")),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}}, ("1.1.1.1",), ()),
    ],
)
def test_dns_policies(spec: dict[str, Any], servers: tuple[str, ...], searches: tuple[str, ...]) -> None:
    found = pod_dns(pod(**spec), CLUSTER, HOST)

    assert (found.servers, found.searches) == (servers, searches)


def test_wishes_are_merged_by_option() -> None:
    wishes = {"searches": ["my.zone"], "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]}

    found = pod_dns(pod(dnsConfig=wishes), CLUSTER, HOST)

    assert found.searches[-1] == "my.zone"
    assert found.options == ("ndots:2", "edns0")


def test_without_cluster_dns_pods_have_the_hosts() -> None:
    assert pod_dns(pod(), dns.ClusterDNS((), "cluster.local"), HOST) == HOST


def test_resolv_conf_is_read_and_written() -> None:
    text = "# made by x\nnameserver 1.1.1.1\nsearch a.b c.d\noptions ndots:5 edns0\n"

    config = resolv_conf.parse(text)

    assert config == DNSConfig(("1.1.1.1",), ("a.b", "c.d"), ("ndots:5", "edns0"))
    assert resolv_conf.render(config) == "search a.b c.d\nnameserver 1.1.1.1\noptions ndots:5 edns0\n"


def test_hosts_files() -> None:
    aliases = [{"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}]

    own = hosts_file.pod_hosts(["10.0.0.1"], "web-0", "svc.default.svc.cluster.local", aliases)

    assert own.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert "10.0.0.1\tweb-0.svc.default.svc.cluster.local\tweb-0\n" in own
    assert own.endswith("\n# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\n")
    shared = hosts_file.host_network_hosts("127.0.0.1 box\n", [])
    assert shared == "# Kubernetes-managed hosts file (host network).\n127.0.0.1 box\n"


def test_host_names() -> None:
    long = pod()
    long["metadata"]["name"] = "x" * 62 + "-tail"

    assert sandbox.sandbox_hostname(long, "cluster.local", "node") == "x" * 62
    assert sandbox.sandbox_hostname(pod(hostNetwork=True), "cluster.local", "node") == "node"
    named = pod(hostname="h", subdomain="s", setHostnameAsFQDN=True)
    assert sandbox.sandbox_hostname(named, "cluster.local", "node") == "h.s.default.svc.cluster.local"


def test_waits_double_up_to_five_minutes_and_are_forgotten() -> None:
    backoff = Backoff()
    now, waits = NOW, []
    for _ in range(7):
        backoff.next("k", now=now)
        waits.append(int(backoff.wait("k").total_seconds()))
        now += backoff.wait("k")

    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert backoff.remaining("k", since=now, now=now + timedelta(seconds=100)) == timedelta(seconds=200)
    later = now + timedelta(minutes=11)
    assert backoff.remaining("k", since=later, now=later) == timedelta(0)
    backoff.next("k", now=later)
    assert backoff.wait("k") == timedelta(seconds=10)


def reason(wanted: dict[str, Any], *others: dict[str, Any]) -> str:
    found = rejection(wanted, others, allocatable={"cpu": "2", "memory": "1Gi", "pods": "3"}, labels={"disk": "ssd"})
    return "" if found is None else found.reason


def sized(cpu: str) -> dict[str, Any]:
    return pod(containers=[each("c", resources={"requests": {"cpu": cpu}})])


def ported(port: int, **fields: Any) -> dict[str, Any]:
    return pod(containers=[each("c", ports=[{"containerPort": 80, "hostPort": port, **fields}])])


def test_a_node_refuses_what_it_has_no_room_for() -> None:
    assert reason(sized("1500m")) == ""
    assert reason(sized("1500m"), sized("1")) == "OutOfcpu"
    assert reason(pod(), pod(), pod(), pod()) == "OutOfpods"
    critical = sized("3")
    critical["spec"]["priority"] = 2_000_001_000
    assert reason(critical) == ""


def test_a_node_refuses_what_does_not_belong_on_it() -> None:
    assert reason(pod(nodeSelector={"disk": "ssd"})) == ""
    assert reason(pod(nodeSelector={"disk": "hdd"})) == "NodeAffinity"
    assert reason(pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})) == "SysctlForbidden"


def test_ports_of_the_host_conflict_by_address_and_protocol() -> None:
    assert reason(ported(80), ported(80)) == "NodePorts"
    assert reason(ported(80), ported(81)) == ""
    assert reason(ported(80, protocol="UDP"), ported(80)) == ""
    assert reason(ported(80, hostIP="10.0.0.1"), ported(80, hostIP="10.0.0.2")) == ""
    assert reason(ported(80, hostIP="10.0.0.1"), ported(80)) == "NodePorts"


def test_a_pod_needs_its_containers_or_its_hungriest_init_container() -> None:
    def need(amount: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": amount}}}

    both = pod(
        containers=[each("a", **need("1")), each("b", **need("1"))],
        init=(each("side", restartPolicy="Always", **need("500m")), each("i", **need("3"))),
        overhead={"cpu": "100m"},
    )

    assert requests(both)["cpu"].milli_value == 3600
