"""Measure the DNS server alone: queries a second over real sockets, and the cost of one in the resolver.

    python benchmarks/dns.py [--seconds 3] [--services 1000] [--clients 4]

Server and clients share the machine; each client keeps 16 queries under way on a socket of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import socket
import struct
import time
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import NAMESPACES, SERVICES
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.network.dns import wire
from cloudk8s.network.dns.directory import Directory
from cloudk8s.network.dns.resolver import Resolver
from cloudk8s.network.dns.server import Admission, DnsServer
from cloudk8s.network.dns.upstream import Upstream
from cloudk8s.testing.fake_client import FakeClient

WINDOW = 16


def service(number: int) -> Object:
    """A Service among many."""
    spec = {"clusterIP": f"10.96.{number // 250}.{number % 250 + 1}", "ports": [{"name": "http", "port": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"s{number}", "namespace": "shop"},
        "spec": spec,
    }


def query(number: int) -> bytes:
    """A query for that Service's address."""
    name = wire.write_name(f"s{number}.shop.svc.cluster.local")
    return struct.pack("!HHHHHH", number & 0xFFFF, wire.RECURSION_DESIRED, 1, 0, 0, 0) + name + b"\0\1\0\1"


async def serve(services: int, pipe: Connection) -> None:
    """The server's process."""
    clock = SystemClock()
    client = FakeClient(clock=clock)
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    for number in range(services):
        await client.create(SERVICES, service(number), namespace="shop")
    informers = Informers(client, clock=clock)
    directory = Directory(informers)
    async with informers:
        await directory.synced()
        resolver = Resolver(directory, Upstream([], clock=clock), domain="cluster.local")
        queries = [query(number) for number in range(services)]
        began = time.perf_counter()
        for data in queries:
            resolver.answer_at_once(data)
        first = (time.perf_counter() - began) / services
        began = time.perf_counter()
        for data in queries:
            resolver.answer_at_once(data)
        again = (time.perf_counter() - began) / services
        async with DnsServer(resolver, address="127.0.0.1", port=0, admission=Admission([])) as server:
            pipe.send((server.port, first * 1e6, again * 1e6))
            await asyncio.to_thread(pipe.recv)


def ask(port: int, services: int, seconds: float, count: Synchronized[int]) -> None:
    """A client's process."""
    queries = [query(number) for number in range(services)]
    random.shuffle(queries)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
    sock.settimeout(1.0)
    for data in queries[:WINDOW]:
        sock.send(data)
    answered, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for _ in range(64):
            sock.recv(2048)
            answered += 1
            sock.send(queries[answered % services])
    with count.get_lock():
        count.value += answered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(options.services, there))
    server.start()
    port, first, again = here.recv()
    count = multiprocessing.Value("q", 0)
    clients = [
        multiprocessing.Process(target=ask, args=(port, options.services, options.seconds, count))
        for _ in range(options.clients)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    here.send(None)
    server.join()
    print(f"resolver: {first:.1f} us for a new question, {again:.2f} us for a known one")
    print(f"server:   {count.value / options.seconds:,.0f} queries/s from {options.clients} clients")


def _serve(services: int, pipe: Connection) -> None:
    import uvloop

    uvloop.run(serve(services, pipe))


if __name__ == "__main__":
    main()
