"""Packets to addresses that no Service has, and connections that live while tables are made anew; both families."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cloudk8s.network.nftables.command import Nft, find_nft
from cloudk8s.network.nftables.table import Table
from cloudk8s.network.proxy.model import Family, Rule, RuleKey
from cloudk8s.network.proxy.nftables.forwarder import NftablesSettings, make_table, ranges_key
from cloudk8s.network.proxy.nftables.parts import parts_of, parts_of_ranges
from tests.network.netns import Namespace, connect, namespaces, needs_root
from tests.network.objects import rule

pytestmark = [pytest.mark.root, needs_root]


@dataclass(frozen=True)
class Plan:
    """The addresses of one family; `unused` is one that the world outside has, too."""

    family: Family
    pod: str
    gateway: str
    client: str
    router: str
    service: str
    unused: str
    service_range: str
    wider: str


PLANS = (
    Plan(
        "IPv4", "10.244.0.5", "10.244.0.1", "192.0.2.9", "192.0.2.1", "10.96.0.7", "10.96.3.3", "10.96.0.0/16",
        "10.96.0.0/12",
    ),
    Plan(
        "IPv6", "fd00:244::5", "fd00:244::1", "2001:db8::9", "2001:db8::1", "fd00:96::7", "fd00:96::3:3",
        "fd00:96::/108", "fd00:96::/64",
    ),
)  # fmt: skip


@dataclass
class World:
    plan: Plan
    host: Namespace
    pod: Namespace
    outside: Namespace
    nft: Nft
    table: Table[RuleKey]

    def apply(self, *rules: Rule, ranges: tuple[str, ...] = (), anew: bool = False) -> None:
        parts = {item.key: parts_of(item, ()) for item in rules}
        parts[ranges_key(self.plan.family)] = parts_of_ranges(ranges, self.plan.family)
        lines = self.table.rebuild(parts) if anew else self.table.change(parts, ())
        self.host.do(lambda: self.nft.run("\n".join(lines) + "\n"))

    def web(self) -> Rule:
        backends = [(self.plan.pod, 8080)]
        return rule(backends=backends, family=self.plan.family, cluster_ip=self.plan.service)


@pytest.fixture(scope="module", params=PLANS, ids=lambda plan: plan.family)
def network(request: pytest.FixtureRequest) -> Iterator[World]:
    plan: Plan = request.param
    nft = find_nft()
    if nft is None:
        pytest.skip("nftables is not installed")
    length = "64" if plan.family == "IPv6" else "24"
    with namespaces("h", "p", "o") as (host, pod, outside):
        for switch in ("net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit"):
            host.set(switch, "0")
        for place in (host, pod, outside):
            place.set("net.ipv6.conf.default.accept_dad", "0")
        for index, (guest, address, gateway) in enumerate(
            [(pod, plan.pod, plan.gateway), (outside, plan.client, plan.router)]
        ):
            connect(host, guest, address=f"{address}/{length}", index=index)
            extra = ("nodad",) if plan.family == "IPv6" else ()
            host.ip("addr", "add", f"{gateway}/{length}", "dev", f"v{index}", *extra)
            guest.ip("route", "add", "default", "via", gateway)
        host.ip("route", "add", "default", "via", plan.client)
        host.set("net.ipv4.ip_forward", "1")
        host.set("net.ipv6.conf.all.forwarding", "1")
        outside.ip("addr", "add", f"{plan.unused}/{128 if plan.family == 'IPv6' else 32}", "dev", "lo")
        for guest in (pod, outside):
            guest.serve(8080, address="::" if plan.family == "IPv6" else "0.0.0.0")
        yield World(plan, host, pod, outside, nft, make_table(NftablesSettings(families=(plan.family,)), plan.family))


@pytest.fixture
def world(network: World) -> World:
    network.apply(anew=True)
    return network


def test_packets_to_an_address_that_no_service_has_do_not_leave(world: World):
    world.apply(world.web())
    assert world.pod.dial(world.plan.unused, 8080)[0] == world.outside.name
    world.apply(world.web(), ranges=(world.plan.service_range,))
    with pytest.raises(TimeoutError):
        world.pod.dial(world.plan.unused, 8080, seconds=0.3)
    with pytest.raises((TimeoutError, PermissionError)):
        world.host.dial(world.plan.unused, 8080, seconds=0.3)
    assert world.pod.dial(world.plan.client, 8080)[0] == world.outside.name


def test_services_within_the_range_answer_and_refuse_ports_they_lack(world: World):
    world.apply(world.web(), ranges=(world.plan.service_range,))
    assert world.outside.dial(world.plan.service, 80)[0] == world.pod.name
    for place in (world.pod, world.host):
        assert place.dial(world.plan.service, 80)[0] == world.pod.name
        with pytest.raises(ConnectionRefusedError):
            place.dial(world.plan.service, 81)


def test_a_range_that_goes_or_grows_is_followed(world: World):
    world.apply(ranges=(world.plan.service_range,))
    world.apply(ranges=(world.plan.wider,))
    with pytest.raises(TimeoutError):
        world.pod.dial(world.plan.unused, 8080, seconds=0.3)
    world.apply(ranges=(world.plan.service_range,))
    world.apply(ranges=())
    assert world.pod.dial(world.plan.unused, 8080)[0] == world.outside.name


def test_an_address_in_the_range_that_is_the_hosts_own_stays_reachable(world: World):
    length = 128 if world.plan.family == "IPv6" else 32
    own = world.plan.unused[:-1] + "4"
    world.host.ip("addr", "replace", f"{own}/{length}", "dev", "lo")
    world.host.serve(8090, address=own)
    world.apply(ranges=(world.plan.service_range,))
    assert world.host.dial(own, 8090)[0] == world.host.name


def test_connections_live_on_when_tables_are_made_anew(world: World):
    kind = socket.AF_INET6 if world.plan.family == "IPv6" else socket.AF_INET
    web, ranges = world.web(), (world.plan.service_range,)
    listener = world.pod.do(lambda: socket.create_server(("", 8081), family=kind))
    world.apply(rule(backends=[(world.plan.pod, 8081)], family=web.key.family, cluster_ip=web.cluster_ip))
    with listener, world.outside.do(lambda: socket.create_connection((web.cluster_ip, 80), 2)) as client:
        server, _ = listener.accept()
        direct = world.pod.do(lambda: socket.create_connection((world.plan.unused, 8080), 2))
        with server, direct:
            world.apply(ranges=ranges, anew=True)
            world.apply(web, ranges=ranges, anew=True)
            client.sendall(b"still")
            server.settimeout(2)
            assert server.recv(10) == b"still"
            server.sendall(b"here")
            assert client.recv(10) == b"here"
            direct.sendall(b"?")
            assert direct.recv(200).decode().split()[0] == world.outside.name
