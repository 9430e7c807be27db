"""A host of a user namespace, made for real: whoever runs the tests needs no privileges for it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import uvloop

from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.nftables.command import NftError
from cloudk8s.network.rootless.host import RootlessError, RootlessHost, RootlessNft
from cloudk8s.network.rootless.uplink import running_uplink


def users_may_ping() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


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


async def test_datagrams_that_leave_are_answered_by_whom_they_were_sent_to(host: RootlessHost):
    with bound("127.200.0.7") as balancer, bound("127.0.0.1") as own:
        async with running_uplink(host, clock=SystemClock()):
            client = await asyncio.to_thread(host.socket, "udp")
            with client:
                for size in (5, 1400, 20_000):
                    assert await echoed(client, balancer, bytes(size)) == (bytes(size), balancer.getsockname())
            client = await asyncio.to_thread(host.socket, "udp")
            with client:
                hidden = (host.gateway, own.getsockname()[1])
                client.sendto(b"hello", hidden)
                with pytest.raises(TimeoutError):
                    await soon(asyncio.get_running_loop().sock_recv(own, 5), 0.3)


async def test_who_is_within_sees_the_client_that_a_socket_speaks_for(host: RootlessHost):
    loop, client_address = asyncio.get_running_loop(), "203.0.113.9"
    async with running_uplink(host, clock=SystemClock()):
        listener = await asyncio.to_thread(partial(host.socket, "tcp", bind=("0.0.0.0", 0)))
        client = await asyncio.to_thread(host.client_socket, client_address)
        with listener, client:
            port = listener.getsockname()[1]
            await soon(loop.sock_connect(client, (host.node, port)), 5)
            served, (seen, _) = await soon(loop.sock_accept(listener), 5)
            with served:
                assert seen == client_address
                await loop.sock_sendall(served, b"hello")
                assert await soon(loop.sock_recv(client, 5), 5) == b"hello"
                await loop.sock_sendall(client, b"there")
                assert await soon(loop.sock_recv(served, 5), 5) == b"there"


def test_the_loop_of_server_processes_carries_them_as_well(host: RootlessHost):
    uvloop.run(test_datagrams_that_leave_are_answered_by_whom_they_were_sent_to(host))


async def test_a_port_that_takes_no_datagrams_refuses_them_within_too(host: RootlessHost):
    with bound("127.200.0.7") as closed:
        address = closed.getsockname()
    async with running_uplink(host, clock=SystemClock()):
        client = await asyncio.to_thread(host.socket, "udp")
        with client:
            client.connect(address)
            client.send(b"hello")
            with pytest.raises(ConnectionRefusedError):
                await soon(asyncio.get_running_loop().sock_recv(client, 5))


PING = """
import socket, struct, sys
message = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + b"12345678"
total = sum(struct.unpack("!8H", message))
total = (total & 0xFFFF) + (total >> 16)
made = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
made.settimeout(1)
made.sendto(message[:2] + struct.pack("!H", ~total & 0xFFFF) + message[4:], (sys.argv[1], 0))
try:
    packet, (sender, _) = made.recvfrom(100)
    print("answered" if packet[20] == 0 and packet[24:36] == message[4:16] and sender == sys.argv[1] else packet)
except TimeoutError:
    print("silence")
"""


async def test_pings_are_answered_by_whom_they_were_sent_to(host: RootlessHost):
    async with running_uplink(host, clock=SystemClock()):
        assert await pinged(host, host.gateway) == "answered"
        assert await pinged(host, "203.0.113.9") == "silence"
        assert await pinged(host, "127.96.0.1") == ("answered" if users_may_ping() else "silence")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0 or users_may_ping(), reason="users may ping here, or nobody can change that")
def test_pings_leave_where_users_may_ping():
    script = (
        "ip link set lo up; echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range;"
        f"exec {sys.executable} -m pytest -q -p no:cacheprovider {__file__} -k answered_by_whom"
    )
    done = subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


async def pinged(host: RootlessHost, address: str) -> str:
    return (await asyncio.to_thread(within, host, sys.executable, "-c", PING, address)).strip()


@contextmanager
def bound(address: str) -> Iterator[socket.socket]:
    """A socket for datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((address, 0))
        made.setblocking(False)
        yield made


async def echoed(client: socket.socket, server: socket.socket, data: bytes) -> tuple[bytes, object]:
    """What comes back, and from where, if a server sends what a client sends."""

    def exchange() -> tuple[bytes, object]:
        client.sendto(data, server.getsockname())
        server.sendto(*server.recvfrom(65536))
        return client.recvfrom(65536)

    for each in (client, server):
        each.settimeout(5)
    return await asyncio.to_thread(exchange)


async def soon(awaitable, seconds: float = 5.0):
    async with asyncio.timeout(seconds):
        return await awaitable


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
