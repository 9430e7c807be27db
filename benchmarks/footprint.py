"""Time to ready, memory and idle CPU: `python -m benchmarks.footprint [--watches 5000] [--pods 20000] [--seconds 30]`.

Each line says what is aimed at. Start-up and idling are those of `cloudk8s up` without nodes; watches and pods are held
by `cloudk8s apiserver`, as in upstream's figures: 5.6 s to ready, 316 MB idle, 1.6 GB with 20,000 pods, with etcd.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from benchmarks.requests import pod
from benchmarks.running.servers import Server, api_server, cluster, free_port, secret_of

NAMESPACE = "/api/v1/namespaces/default"
CONNECTIONS = 16


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watches", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=20000)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long idling is watched")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home:
        start_and_idle(Path(home), chosen.seconds)
    with tempfile.TemporaryDirectory() as home, api_server(Path(home), port=free_port()) as server:
        secret = secret_of(server)
        asyncio.run(hold_watches(server, secret, chosen.watches))
        asyncio.run(hold_pods(server, secret, chosen.pods))
    return 0


def start_and_idle(home: Path, seconds: float) -> None:
    """Start twice: the first time makes certificates and a store."""
    with cluster(home, port=free_port()) as server:
        line("ready, first start", f"{server.seconds_to_ready:.2f} s", "1 s")
    with cluster(home, port=free_port()) as server:
        line("ready, second start", f"{server.seconds_to_ready:.2f} s", "1 s")
        time.sleep(5)
        before, started = server.cpu_seconds, time.monotonic()
        time.sleep(seconds)
        share = (server.cpu_seconds - before) / (time.monotonic() - started)
        line("idle", f"{server.resident_megabytes:.0f} MB", "100 MB")
        line("idle", f"{share:.1%} of a core", "2 %")


async def hold_watches(server: Server, secret: str, watches: int) -> None:
    """Open watches, each on a connection of its own, and hold them."""
    before, numbers, held = server.resident_megabytes, count(), []

    async def opener() -> None:
        while next(numbers) < watches:
            held.append(await connection(server, secret, "GET", f"{NAMESPACE}/configmaps?watch=1"))

    await asyncio.gather(*[opener() for _ in range(CONNECTIONS)])
    await asyncio.sleep(1)
    after = server.resident_megabytes
    added = after - before
    line(f"{watches:,} idle TLS watches", f"{after:.0f} MB in all", "150 MB")
    line("of which the watches", f"{added:.0f} MB, {added / watches * 1e3:.1f} KB each", "")
    for _, writer in held:
        writer.close()
    await asyncio.sleep(2)


async def hold_pods(server: Server, secret: str, pods: int) -> None:
    """Create pods, as many at a time as there are connections."""
    account = json.dumps({"metadata": {"name": "default"}}).encode()
    await exchange(await connection(server, secret, "POST", f"{NAMESPACE}/serviceaccounts", account))
    numbers = count()

    async def creator() -> None:
        peer = await connection(server, secret, "POST", f"{NAMESPACE}/pods", pod(f"c{next(numbers)}"))
        await exchange(peer)
        while (number := next(numbers)) < pods:
            peer[1].write(message(secret, "POST", f"{NAMESPACE}/pods", pod(f"c{number}")))
            await exchange(peer)
        peer[1].close()

    started = time.monotonic()
    await asyncio.gather(*[creator() for _ in range(CONNECTIONS)])
    rate = pods / (time.monotonic() - started)
    line(f"{pods:,} pods held", f"{server.resident_megabytes:.0f} MB (made at {rate:,.0f}/s)", "400 MB")


Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connection(server: Server, secret: str, method: str, path: str, body: bytes = b"") -> Peer:
    """A connection with a request on its way; of a watch the head of the answer is read."""
    host, _, port = server.url.removeprefix("https://").partition(":")
    context = ssl._create_unverified_context()
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    writer.write(message(secret, method, path, body))
    if method == "GET":
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head, head
    return reader, writer


def message(secret: str, method: str, path: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n"
    )
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def exchange(peer: Peer) -> None:
    """Read an answer, which must be one of success."""
    head = await peer[0].readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    body = await peer[0].readexactly(length)
    assert b" 201 " in head, body


def line(what: str, found: str, aim: str) -> None:
    print(f"{what:<28} {found:<36} {aim and f'aim: {aim}'}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
