"""A host of a user namespace, made for real: whoever runs the tests needs no privileges for it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.nftables.command import NftError
from cloudk8s.network.rootless.host import RootlessError, RootlessHost, RootlessNft
from cloudk8s.network.rootless.uplink import running_uplink

RANGES = ("127.96.0.0/16", "127.200.0.0/24")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[RootlessHost]:
    host = RootlessHost(tmp_path / "host", "198.19.77.0/24", RANGES, "192.0.2.77")
    try:
        host.ensure()
    except RootlessError as error:
        pytest.skip(f"no user namespaces here: {error}")
    yield host
    host.remove()


def within(host: RootlessHost, *command: str) -> str:
    done = subprocess.run(host.command(command), capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def test_the_host_has_addresses_of_its_own_and_a_way_out(host: RootlessHost):
    addresses = within(host, "ip", "-o", "address")
    assert "198.19.77.10/24" in addresses
    assert "192.0.2.77/32" in addresses
    assert "via 198.19.77.1 dev uplink" in within(host, "ip", "route", "get", "203.0.113.1")
    assert "via 198.19.77.1 dev uplink" in within(host, "ip", "route", "get", "127.96.0.1")
    assert "dev lo" in within(host, "ip", "route", "get", "127.0.0.1")
    assert within(host, "id", "-u") == "0\n"


async def test_connections_that_leave_arrive_where_they_were_meant_to(host: RootlessHost):
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.200.0.7", 0)) as balancer, socket.create_server(("127.0.0.1", 0)) as own:
        async with running_uplink(host, clock=SystemClock()) as uplink:
            port = own.getsockname()[1]
            assert await reached(host, balancer, "127.200.0.7")
            assert not await reached(host, own, host.gateway)
            uplink.offer(port, "127.0.0.1")
            assert await reached(host, own, host.gateway)
        assert loop.is_running()


async def reached(host: RootlessHost, server: socket.socket, address: str) -> bool:
    """Whether a connection from within to an address, at the server's port, comes in at the server."""
    server.setblocking(False)
    loop = asyncio.get_running_loop()
    client = await asyncio.to_thread(host.socket, "tcp")
    with client:
        try:
            async with asyncio.timeout(2):
                await loop.sock_connect(client, (address, server.getsockname()[1]))
                await loop.sock_sendall(client, b"hello")
                accepted, _ = await loop.sock_accept(server)
                with accepted:
                    return await loop.sock_recv(accepted, 5) == b"hello"
        except (TimeoutError, OSError):
            return False


async def test_sockets_within_are_served_from_outside(host: RootlessHost):
    loop = asyncio.get_running_loop()
    listener = host.socket("tcp", bind=("198.19.77.10", 0))
    with listener, host.socket("tcp", "exit") as client:
        accepting = asyncio.create_task(loop.sock_accept(listener))
        await loop.sock_connect(client, listener.getsockname())
        accepted, (address, _) = await asyncio.wait_for(accepting, 5)
        accepted.close()
        assert address == host.gateway


def test_tables_are_those_within(host: RootlessHost):
    nft = RootlessNft(host)
    nft.run("add table ip rootless-test")
    assert "rootless-test" in nft.run("list tables")
    assert "rootless-test" in within(host, "nft", "list", "tables")
    with pytest.raises(NftError, match="syntax error"):
        nft.run("nonsense")


def test_packets_within_a_bridge_pass_the_tables_where_the_module_is_loaded(host: RootlessHost):
    switch = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    within(host, "sh", "-c", f"echo 0 > {switch}")
    assert host.filters_bridged() == switch.exists()
    assert not switch.exists() or within(host, "cat", str(switch)) == "1\n"


def test_a_holder_is_found_again_and_nothing_is_left_of_one_that_ended(host: RootlessHost):
    pid = host.pid
    RootlessHost(host.directory, host.network).ensure()
    assert host.pid == pid
    sleeper = subprocess.Popen(host.command(["sleep", "60"]))
    namespace = Path(f"/proc/{pid}/ns/net").readlink()
    host.remove()
    sleeper.kill()
    sleeper.wait()
    deadline = time.monotonic() + 5
    while host.pid:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert namespace not in {link for entry in Path("/proc").glob("[0-9]*/ns/net") if (link := read(entry))}


def read(link: Path) -> Path | None:
    try:
        return link.readlink()
    except OSError:
        return None
