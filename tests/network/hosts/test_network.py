"""Hosts within this host, made for real in a network of the test's own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloudk8s.network.hosts import enter
from cloudk8s.network.hosts.network import HostNetwork
from cloudk8s.network.hosts.thread import HostThread
from cloudk8s.network.nftables.command import find_nft
from tests.network.netns import needs_root

pytestmark = [pytest.mark.root, needs_root]


@pytest.fixture
def network() -> Iterator[HostNetwork]:
    if find_nft() is None:
        pytest.skip("nftables is not installed")
    network = HostNetwork(f"test {os.getpid()}", "198.19.250.0/24", ("10.250.0.0/16",))
    try:
        yield network
    finally:
        network.remove_all()


def add_two(network: HostNetwork) -> None:
    network.ensure()
    for index, name in enumerate(("one", "two")):
        network.add(name, network.address(index), network.address_six(index))


async def connects(source: HostThread, target: HostThread, address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = await target.run(lambda: socket.create_server((address, 0), family=family))
    with server:
        place = server.getsockname()[:2]
        with await source.run(lambda: socket.create_connection(place, 2)):
            return True


async def test_hosts_reach_each_other_and_this_host(network: HostNetwork):
    for _ in range(2):
        await asyncio.to_thread(add_two, network)
    assert sorted(network.names()) == ["one", "two"]
    here, one, two = HostThread(), *(HostThread(network.namespace(name)) for name in ("one", "two"))
    assert await connects(one, two, network.address(1))
    assert await connects(one, here, network.gateway)
    assert await connects(here, one, network.address(0))
    for thread in (here, one, two):
        thread.close()


async def test_hosts_have_addresses_of_both_families_where_the_cluster_has(network: HostNetwork):
    if not Path("/proc/sys/net/ipv6").exists():
        pytest.skip("this host has no IPv6")
    both = replace(network, six="fdc8:c613:fa00::/64")
    for _ in range(2):
        await asyncio.to_thread(add_two, both)
    here, one, two = HostThread(), *(HostThread(both.namespace(name)) for name in ("one", "two"))
    assert await connects(one, two, both.address_six(1))
    assert await connects(one, here, both.gateway_six)
    assert await connects(here, two, both.address_six(1))
    for thread in (here, one, two):
        thread.close()
    await asyncio.to_thread(both.remove_all)
    nft = await asyncio.to_thread(find_nft)
    assert nft is not None
    assert both.table not in await asyncio.to_thread(nft.run, "list tables")


def test_a_host_is_made_anew_at_once(network: HostNetwork):
    network.ensure()
    for _ in range(10):
        network.add("one", network.address(0))
        network.remove("one")
    assert network.names() == []


async def test_a_thread_speaks_for_its_host(network: HostNetwork):
    await asyncio.to_thread(add_two, network)
    here, thread = os.readlink("/proc/self/ns/net"), HostThread(network.namespace("one"))
    assert await thread.run(lambda: os.readlink("/proc/thread-self/ns/net")) != here
    assert os.readlink("/proc/thread-self/ns/net") == here
    thread.close()


def test_removal_ends_processes_and_leaves_nothing(network: HostNetwork):
    network.ensure()
    network.add("one", network.address(0))
    command = enter.command(
        network.namespace("one"), [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(99)"]
    )
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(2):
        network.remove_all()
    assert process.wait(10) == -9
    process.stdout.close()
    assert network.names() == []
    assert not Path("/sys/class/net", network.bridge).exists()
    nft = find_nft()
    assert nft is not None
    assert network.table not in nft.run("list tables")


def test_the_gateway_keeps_its_hardware_address_when_hosts_come_and_go(network: HostNetwork):
    """By nature a bridge has the lowest address of its cables; hosts that know another are cut off for a while."""
    network.ensure()
    here = Path("/sys/class/net", network.bridge, "address")
    before = here.read_text()
    network.add("one", network.address(0))
    cable = next(Path("/sys/class/net", network.bridge, "brif").iterdir()).name
    subprocess.run(["ip", "link", "set", cable, "address", "02:00:00:00:00:01"], check=True)
    network.ensure()
    assert here.read_text() == before
    network.remove("one")
    assert here.read_text() == before


async def test_a_new_host_with_the_address_of_one_that_has_gone_is_reached_at_once(network: HostNetwork):
    """Who talked to the former knows its hardware address for half a minute."""
    await asyncio.to_thread(add_two, network)
    here = HostThread()
    for name in ("two", "three"):
        if name == "three":
            await asyncio.to_thread(network.remove, "two")
            await asyncio.to_thread(network.add, "three", network.address(1))
        there = HostThread(network.namespace(name))
        assert await connects(here, there, network.address(1))
        there.close()
    here.close()


def test_networks_of_two_clusters_are_apart(network: HostNetwork):
    other = HostNetwork("other", network.network)
    assert other.bridge != network.bridge
    assert other.namespace("one") != network.namespace("one")
