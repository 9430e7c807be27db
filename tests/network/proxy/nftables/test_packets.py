"""Real packets through a host of two pods, from a pod, from the host and from outside."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from cloudk8s.network.nftables.command import Nft, ProgramNft, find_nft
from cloudk8s.network.nftables.table import Table
from cloudk8s.network.proxy.model import Rule, RuleKey
from cloudk8s.network.proxy.nftables.forwarder import NftablesSettings, make_table
from cloudk8s.network.proxy.nftables.parts import parts_of
from tests.network.netns import Namespace, connect, namespaces, needs_root
from tests.network.objects import rule

from . import sctp

pytestmark = [pytest.mark.root, needs_root]
PODS = ("10.244.0.0/16",)
BOTH = [("10.244.0.5", 8080), ("10.244.0.6", 8080)]
HOST, CLIENT, POD = "192.0.2.1", "192.0.2.9", "10.244.0.5"


@dataclass
class World:
    host: Namespace
    one: Namespace
    two: Namespace
    outside: Namespace
    nft: Nft
    table: Table[RuleKey]

    def apply(self, *rules: Rule, gone: tuple[RuleKey, ...] = ()) -> None:
        lines = self.table.change({item.key: parts_of(item, PODS) for item in rules}, gone)
        self.host.do(lambda: self.nft.run("\n".join(lines) + "\n"))


@pytest.fixture(scope="module", params=["library", "program"])
def cluster(request: pytest.FixtureRequest) -> Iterator[World]:
    nft = find_nft() if request.param == "library" else ProgramNft("/usr/sbin/nft")
    if nft is None:
        pytest.skip("nftables is not installed")
    with namespaces("host", "one", "two", "outside") as (host, one, two, outside):
        host.ip("link", "add", "br0", "type", "bridge")
        host.ip("addr", "add", "10.244.0.1/24", "dev", "br0")
        host.ip("link", "set", "br0", "up")
        connect(host, one, bridge="br0", address="10.244.0.5/24", gateway="10.244.0.1", index=1)
        connect(host, two, bridge="br0", address="10.244.0.6/24", gateway="10.244.0.1", index=2)
        connect(host, outside, address=f"{CLIENT}/24", gateway=HOST, index=3)
        host.ip("route", "add", "default", "via", CLIENT)
        host.set("net.ipv4.ip_forward", "1")
        for pod in (one, two):
            pod.serve(8080)
            pod.serve(8080, kind=socket.SOCK_DGRAM)
        world = World(host, one, two, outside, nft, make_table(NftablesSettings(pod_ranges=PODS), "IPv4"))
        yield world


@pytest.fixture
def world(cluster: World) -> World:
    lines = cluster.table.rebuild({})
    cluster.host.do(lambda: cluster.nft.run("\n".join(lines) + "\n"))
    return cluster


def test_a_cluster_ip_answers_pods_and_the_host(world: World):
    world.apply(rule(backends=BOTH))
    answers = {world.one.dial("10.96.0.7", 80)[0] for _ in range(30)}
    assert answers == {world.one.name, world.two.name}
    assert world.host.dial("10.96.0.7", 80)[0] in answers


def test_pods_see_the_client_pod(world: World):
    world.apply(rule(backends=[("10.244.0.6", 8080)]))
    assert world.one.dial("10.96.0.7", 80) == (world.two.name, POD)


def test_a_pod_reaches_itself_through_its_service(world: World):
    world.apply(rule(backends=[(POD, 8080)]))
    assert world.one.dial("10.96.0.7", 80)[0] == world.one.name


def test_traffic_that_is_not_for_a_service_keeps_its_source(world: World):
    world.apply(rule(backends=[(HOST, 8080)]))
    world.host.ip("addr", "replace", "203.0.113.99/32", "dev", "lo")
    world.host.serve(8081)
    assert world.host.dial(HOST, 8081)[1] == HOST


def test_a_backend_on_the_host_itself_answers_the_host_and_pods(world: World):
    world.host.serve(8082)
    world.apply(rule(backends=[(HOST, 8082)], node_port=30080))
    assert world.host.dial("10.96.0.7", 80)[0] == world.host.name
    assert world.host.dial(HOST, 30080)[0] == world.host.name
    assert world.one.dial("10.96.0.7", 80) == (world.host.name, POD)


def test_udp_is_forwarded_apart_from_tcp(world: World):
    world.apply(rule(backends=BOTH, protocol="UDP"))
    assert world.one.dial("10.96.0.7", 80, kind=socket.SOCK_DGRAM)[0]
    with pytest.raises(ConnectionRefusedError):
        world.one.dial("10.96.0.7", 80)


def test_a_service_without_endpoints_refuses_pods_and_the_host(world: World):
    world.apply(rule(backends=(), node_port=30080))
    for place in (world.one, world.host):
        with pytest.raises(ConnectionRefusedError):
            place.dial("10.96.0.7", 80)
    with pytest.raises(ConnectionRefusedError):
        world.outside.dial(HOST, 30080)


def test_other_ports_of_a_cluster_ip_are_refused(world: World):
    world.apply(rule(backends=BOTH))
    for place in (world.one, world.host):
        with pytest.raises(ConnectionRefusedError):
            place.dial("10.96.0.7", 81)


def test_node_ports_answer_from_everywhere(world: World):
    world.apply(rule(backends=BOTH, node_port=30080))
    for place in (world.outside, world.one, world.host):
        assert place.dial(HOST, 30080)[0] in (world.one.name, world.two.name)


def test_policy_cluster_hides_the_client_and_local_keeps_it(world: World):
    everywhere = rule(backends=BOTH, node_port=30080)
    world.apply(everywhere)
    assert world.outside.dial(HOST, 30080)[1] == "10.244.0.1"
    world.apply(replace(everywhere, is_external_local=True, local=everywhere.cluster[:1]))
    assert world.outside.dial(HOST, 30080) == (world.one.name, CLIENT)


def test_policy_local_without_local_endpoints_drops_outsiders_and_serves_insiders(world: World):
    world.apply(rule(backends=BOTH, node_port=30080, is_external_local=True))
    with pytest.raises(TimeoutError):
        world.outside.dial(HOST, 30080, seconds=0.3)
    assert world.one.dial(HOST, 30080)[0]
    assert world.host.dial(HOST, 30080)[0]


def test_a_balancers_address_answers_and_its_source_ranges_hold(world: World):
    open_to_all = rule(backends=BOTH, load_balancer_ips=("203.0.113.7",))
    world.apply(open_to_all)
    assert world.outside.dial("203.0.113.7", 80)[0]
    assert world.one.dial("203.0.113.7", 80)[0]
    world.apply(replace(open_to_all, source_ranges=("198.51.100.0/24",)))
    with pytest.raises(TimeoutError):
        world.outside.dial("203.0.113.7", 80, seconds=0.3)
    with pytest.raises((TimeoutError, PermissionError)):
        world.host.dial("203.0.113.7", 80, seconds=0.3)
    world.apply(replace(open_to_all, source_ranges=("192.0.2.0/24",)))
    assert world.outside.dial("203.0.113.7", 80)[0]


def test_a_host_before_the_nodes_balances_to_all_and_keeps_the_client(world: World):
    ahead = rule(backends=BOTH, load_balancer_ips=("203.0.113.7",), node_port=30080, is_external_local=True)
    world.apply(ahead)
    with pytest.raises(TimeoutError):
        world.outside.dial("203.0.113.7", 80, seconds=0.3)
    world.apply(replace(ahead, balances=True))
    seen = {world.outside.dial("203.0.113.7", 80) for _ in range(30)}
    assert seen == {(world.one.name, CLIENT), (world.two.name, CLIENT)}
    assert world.host.dial("203.0.113.7", 80)[0]
    with pytest.raises(TimeoutError):
        world.outside.dial(HOST, 30080, seconds=0.3)


def test_external_ips_answer(world: World):
    world.apply(rule(backends=BOTH, external_ips=("203.0.113.8",)))
    assert world.outside.dial("203.0.113.8", 80)[0]


def test_affinity_keeps_a_client_at_its_backend_while_others_come_and_go(world: World):
    world.apply(rule(backends=BOTH, affinity_seconds=60))
    first = world.one.dial("10.96.0.7", 80)[0]
    assert {world.one.dial("10.96.0.7", 80)[0] for _ in range(15)} == {first}
    listed = world.host.do(lambda: world.nft.run("list table ip cloudk8s"))
    assert re.findall(r"10\.244\.0\.5 expires (1m|5\ds)", listed), "a minute from the last connection on"
    assert listed.count(" expires ") == 1, "one client has one backend"
    world.apply(rule(backends=[*BOTH, ("10.244.0.99", 8080)], affinity_seconds=60))
    assert {world.one.dial("10.96.0.7", 80)[0] for _ in range(15)} == {first}
    world.apply(rule(backends=BOTH))
    assert len({world.one.dial("10.96.0.7", 80)[0] for _ in range(30)}) == 2


def test_without_bridge_filtering_pods_are_hidden_from_each_other_and_served(cluster: World):
    switch = "net.bridge.bridge-nf-call-iptables"
    cluster.host.set(switch, "0")
    try:
        table = make_table(NftablesSettings(pod_ranges=PODS, hides_pods=True), "IPv4")
        wanted = rule(backends=[("10.244.0.6", 8080)])
        lines = table.rebuild({wanted.key: parts_of(wanted, PODS)})
        cluster.host.do(lambda: cluster.nft.run("\n".join(lines) + "\n"))
        assert cluster.one.dial("10.96.0.7", 80) == (cluster.two.name, "10.244.0.1")
    finally:
        cluster.host.set(switch, "1")


def test_removal_leaves_nothing_but_the_frame(world: World):
    empty = world.host.do(lambda: world.nft.run("list table ip cloudk8s"))
    full = rule(
        backends=BOTH, node_port=30080, affinity_seconds=60, external_ips=("203.0.113.8",),
        load_balancer_ips=("203.0.113.7",), source_ranges=("192.0.2.0/24",), is_external_local=True,
        local=BOTH[:1],
    )  # fmt: skip
    world.apply(full)
    world.outside.dial("203.0.113.7", 80)
    world.apply(replace(full, affinity_seconds=30, cluster=full.cluster[1:]))
    world.apply(gone=(full.key,))
    assert world.host.do(lambda: world.nft.run("list table ip cloudk8s")) == empty


@pytest.mark.parametrize("through", ["cluster ip", "node port"])
def test_sctp_is_forwarded_and_answered_by_whom_it_was_sent_to(world: World, through: str):
    world.apply(rule(backends=[("10.244.0.6", 9000)], protocol="SCTP", node_port=30080))
    target, port = ("10.96.0.7", 80) if through == "cluster ip" else (HOST, 30080)
    source = 40_000 if through == "cluster ip" else 40_001
    client, server = world.one.do(sctp.raw_socket), world.two.do(sctp.raw_socket)
    with client, server:
        client.sendto(sctp.init(source, port), (target, 0))
        asked = sctp.receive(server)
        assert (asked.target, asked.target_port, asked.is_answer) == ("10.244.0.6", 9000, False)
        server.sendto(sctp.init_ack(9000, asked.source_port), (asked.source, 0))
        answered = sctp.receive(client)
    assert (answered.source, answered.source_port, answered.target_port) == (target, port, source)
    assert answered.is_answer


def test_sctp_and_tcp_of_one_port_are_apart(world: World):
    world.apply(rule(backends=[("10.244.0.6", 9000)], protocol="SCTP"), rule("other", backends=[(POD, 8080)]))
    client, server = world.one.do(sctp.raw_socket), world.two.do(sctp.raw_socket)
    with client, server:
        client.sendto(sctp.init(40_002, 80), ("10.96.0.7", 0))
        assert sctp.receive(server).target_port == 9000
    assert world.one.dial("10.96.0.7", 80)[0] == world.one.name
