"""DNS, hosts files, host names and back-off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.node.pods import dns, hosts_file, sandbox
from cloudk8s.node.pods.backoff import Backoff
from cloudk8s.node.pods.dns import ClusterDNS, pod_dns
from cloudk8s.node.runtimes import resolv_conf
from cloudk8s.node.runtimes.interface import DNSConfig

from .given import NOW, pod

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


def test_what_resolvers_cannot_read_is_left_out_and_told() -> None:
    searches = tuple(f"zone-{number:02}.{'x' * 60}" for number in range(40))
    fits, notes = dns.fitted(DNSConfig(("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"), searches, ("ndots:5",)))

    assert fits == DNSConfig(("10.0.0.1", "10.0.0.2", "10.0.0.3"), searches[:29], ("ndots:5",))
    assert len(" ".join(fits.searches)) <= 2048 < len(" ".join(searches[:30]))
    assert notes[0].endswith("some nameservers have been omitted, the applied nameserver line is: " + " ".join(
        fits.servers))  # fmt: skip
    assert notes[1].startswith("Search Line limits were exceeded, some search paths have been omitted")
    assert dns.fitted(DNSConfig((), ("a",) * 33, ()))[0].searches == ("a",) * 32
    assert dns.fitted(HOST) == (HOST, [])


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
