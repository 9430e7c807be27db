"""Real packets between pods of two namespaces, the host and the outside, under policies from a fake API server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.informer import Informers
from cloudk8s.client.resources import NAMESPACES, NETWORK_POLICIES, PODS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.network.nftables.command import Nft, find_nft
from cloudk8s.network.policy.enforcer import PolicyEnforcer, PolicySettings
from cloudk8s.testing.fake_client import FakeClient
from tests.network.netns import Namespace, connect, namespaces, needs_root

pytestmark = [pytest.mark.root, needs_root]
ADDRESSES = {"web": "10.244.0.5", "api": "10.244.0.6", "db": "10.244.0.7"}
HOST, OUTSIDE = "192.0.2.1", "192.0.2.9"


class InNamespace:
    """nftables of another network namespace."""

    def __init__(self, nft: Nft, namespace: Namespace) -> None:
        self._nft, self._namespace = nft, namespace

    def run(self, commands: str) -> str:
        return self._namespace.do(lambda: self._nft.run(commands))


class World:
    """Pods `web` and `api` in namespace shop, `db` in namespace data, a host and an outside."""

    def __init__(self, host: Namespace, outside: Namespace, pods: dict[str, Namespace], nft: Nft) -> None:
        self.host, self.outside, self.pods, self.nft = host, outside, pods, nft
        self.clock = FakeClock()
        self.client = FakeClient(clock=self.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        for name in ("shop", "data"):
            metadata = {"name": name, "labels": {"team": name}}
            await self.client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        for name, address in ADDRESSES.items():
            self.client.add(pod(name, address))
        informers = Informers(self.client, clock=self.clock)
        settings = PolicySettings(frozenset({"n1"}), table="policies")
        enforcer = PolicyEnforcer(informers, InNamespace(self.nft, self.host), settings, clock=self.clock)
        async with informers:
            task = asyncio.create_task(enforcer.run())
            await enforcer.is_synced.wait()
            try:
                yield self
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def apply(self, namespace: str = "shop", name: str = "policy", **spec: Any) -> None:
        metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}"}
        obj = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
        await self.client.create(NETWORK_POLICIES, obj, namespace=namespace)
        await self.settle()

    async def settle(self) -> None:
        await asyncio.sleep(0.1)

    async def reaches(self, source: Namespace, target: str, port: int = 8080, kind: int = socket.SOCK_STREAM) -> bool:
        def dial() -> bool:
            try:
                return bool(source.dial(target, port, kind=kind, seconds=0.25)[0])
            except TimeoutError:
                return False

        return await asyncio.to_thread(dial)

    async def who_reaches(self, target: str, port: int = 8080) -> set[str]:
        everyone = {**self.pods, "host": self.host, "outside": self.outside}
        return {
            name
            for name, place in everyone.items()
            if name != target and await self.reaches(place, ADDRESSES[target], port)
        }


def space(name: str) -> str:
    return "data" if name == "db" else "shop"


def pod(name: str, address: str, **labels: str) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": space(name), "uid": f"uid-{name}", "labels": {"app": name, **labels}},
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "ports": ports}]},
        "status": {"phase": "Running", "podIPs": [{"ip": address}], "hostIPs": [{"ip": HOST}]},
    }


@pytest.fixture(scope="module")
def network() -> Iterator[tuple[Namespace, Namespace, dict[str, Namespace], Nft]]:
    nft = find_nft()
    if nft is None:
        pytest.skip("nftables is not installed")
    with namespaces("host", "outside", *ADDRESSES) as (host, outside, *others):
        host.ip("link", "add", "br0", "type", "bridge")
        host.ip("addr", "add", "10.244.0.1/24", "dev", "br0")
        host.ip("link", "set", "br0", "up")
        host.set("net.ipv4.ip_forward", "1")
        connect(host, outside, address=f"{OUTSIDE}/24", gateway=HOST, index=9)
        pods = dict(zip(ADDRESSES, others, strict=True))
        for index, (name, place) in enumerate(pods.items()):
            connect(host, place, bridge="br0", address=f"{ADDRESSES[name]}/24", gateway="10.244.0.1", index=index)
            for port in (8080, 9090):
                place.serve(port)
            place.serve(8080, kind=socket.SOCK_DGRAM)
        outside.serve(8080)
        yield host, outside, pods, nft


@pytest.fixture
async def world(network: tuple[Namespace, Namespace, dict[str, Namespace], Nft]) -> AsyncIterator[World]:
    async with World(*network).running() as world:
        yield world


WEB = {"matchLabels": {"app": "web"}}
ALL = {"api", "db", "host", "outside"}


async def test_without_policies_everybody_reaches_everybody(world: World):
    assert await world.who_reaches("web") == ALL


async def test_a_policy_without_rules_lets_nobody_but_the_node_in(world: World):
    await world.apply(podSelector=WEB, policyTypes=["Ingress"])
    assert await world.who_reaches("web") == {"host"}
    assert await world.who_reaches("api") == {"web", "db", "host", "outside"}


async def test_a_deleted_policy_holds_no_more(world: World):
    await world.apply(podSelector=WEB, policyTypes=["Ingress"])
    await world.client.delete(NETWORK_POLICIES, "policy", namespace="shop")
    await world.settle()
    assert await world.who_reaches("web") == ALL


async def test_pods_of_the_same_namespace_are_admitted_by_label(world: World):
    peer = {"podSelector": {"matchLabels": {"app": "api"}}}
    await world.apply(podSelector=WEB, policyTypes=["Ingress"], ingress=[{"from": [peer]}])
    assert await world.who_reaches("web") == {"api", "host"}


async def test_an_empty_pod_selector_means_the_whole_namespace(world: World):
    await world.apply(podSelector={}, policyTypes=["Ingress"], ingress=[{"from": [{"podSelector": {}}]}])
    assert await world.who_reaches("web") == {"api", "host"}


async def test_namespaces_are_admitted_by_label_and_by_name(world: World):
    for selector in ({"matchLabels": {"team": "data"}}, {"matchLabels": {"kubernetes.io/metadata.name": "data"}}):
        rules = [{"from": [{"namespaceSelector": selector}]}]
        await world.apply(podSelector=WEB, policyTypes=["Ingress"], ingress=rules)
        assert await world.who_reaches("web") == {"db", "host"}
        await world.client.delete(NETWORK_POLICIES, "policy", namespace="shop")


async def test_both_selectors_of_one_peer_must_agree(world: World):
    peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "db"}}}
    await world.apply(podSelector=WEB, policyTypes=["Ingress"], ingress=[{"from": [peer]}])
    assert await world.who_reaches("web") == {"db", "host"}


async def test_blocks_of_addresses_have_exceptions(world: World):
    block = {"cidr": "0.0.0.0/0", "except": ["10.244.0.6/32"]}
    await world.apply(podSelector=WEB, policyTypes=["Ingress"], ingress=[{"from": [{"ipBlock": block}]}])
    assert await world.who_reaches("web") == {"db", "host", "outside"}


@pytest.mark.parametrize("port", [{"port": 8080}, {"port": "http"}, {"port": 8000, "endPort": 8100}])
async def test_ports_are_numbers_ranges_and_names(world: World, port: dict[str, Any]):
    await world.apply(podSelector=WEB, policyTypes=["Ingress"], ingress=[{"ports": [{"protocol": "TCP", **port}]}])
    assert await world.who_reaches("web") == ALL
    assert await world.who_reaches("web", 9090) == {"host"}


async def test_protocols_are_told_apart(world: World):
    await world.apply(podSelector=WEB, policyTypes=["Ingress"], ingress=[{"ports": [{"protocol": "UDP"}]}])
    assert await world.reaches(world.pods["api"], ADDRESSES["web"], kind=socket.SOCK_DGRAM)
    assert not await world.reaches(world.pods["api"], ADDRESSES["web"])


async def test_policies_add_up(world: World):
    for name in ("api", "db"):
        peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": name}}}
        await world.apply(name=name, podSelector=WEB, policyTypes=["Ingress"], ingress=[{"from": [peer]}])
    assert await world.who_reaches("web") == {"api", "db", "host"}


async def test_egress_is_held_too_and_answers_always_pass(world: World):
    peer = {"podSelector": {"matchLabels": {"app": "api"}}}
    await world.apply(podSelector=WEB, policyTypes=["Egress"], egress=[{"to": [peer], "ports": [{"port": "http"}]}])
    web = world.pods["web"]
    assert await world.reaches(web, ADDRESSES["api"])
    assert not await world.reaches(web, ADDRESSES["api"], 9090)
    assert not await world.reaches(web, ADDRESSES["db"])
    assert not await world.reaches(web, OUTSIDE)
    assert await world.who_reaches("web") == ALL


async def test_egress_and_ingress_must_both_agree(world: World):
    await world.apply(name="out", podSelector=WEB, policyTypes=["Egress"], egress=[{}])
    await world.apply(name="in", podSelector={"matchLabels": {"app": "api"}}, policyTypes=["Ingress"])
    assert not await world.reaches(world.pods["web"], ADDRESSES["api"])
    assert await world.reaches(world.pods["web"], ADDRESSES["db"])


async def test_changes_of_pods_and_namespaces_are_followed(world: World):
    peer = {"namespaceSelector": {"matchLabels": {"team": "data"}}, "podSelector": {"matchLabels": {"role": "client"}}}
    await world.apply(podSelector=WEB, policyTypes=["Ingress"], ingress=[{"from": [peer]}])
    assert await world.who_reaches("web") == {"host"}
    patch = {"metadata": {"labels": {"role": "client"}}}
    await world.client.patch(PODS, "db", patch, namespace="data")
    await world.settle()
    assert await world.who_reaches("web") == {"db", "host"}
    await world.client.patch(NAMESPACES, "data", {"metadata": {"labels": {"team": "other"}}})
    await world.settle()
    assert await world.who_reaches("web") == {"host"}


async def test_the_table_is_gone_at_the_end(network: tuple[Namespace, Namespace, dict[str, Namespace], Nft]):
    async with World(*network).running() as world:
        await world.apply(podSelector=WEB, policyTypes=["Ingress"])
        assert "policies" in world.host.do(lambda: world.nft.run("list tables"))
    assert "policies" not in world.host.do(lambda: world.nft.run("list tables"))
