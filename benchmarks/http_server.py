"""Measure the HTTP server alone: requests a second, deliveries to watchers, memory of an idle watch.

    python benchmarks/http_server.py [--loop asyncio|uvloop] [--seconds 3] [--watchers 1000]

Needs wrk for the request rates; leaves them out where it is not installed. Server and clients share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import resource
import shutil
import ssl
import subprocess
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from cloudk8s.apiserver.http.interface import Answer, Request, Response, Stream, StreamWriter
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki import ensure

BODY = b'{"kind":"Pod","pad":"' + b"x" * 2800 + b'"}'


class Handler:
    """GET answers an object, POST takes one, /watch streams, /event sends one event to all watchers."""

    def __init__(self) -> None:
        self.writers: set[StreamWriter] = set()

    def __call__(self, request: Request) -> Answer:
        if request.path == "/watch":
            return self._watch()
        if request.path == "/event":
            chunk = b"%x\r\n%b\r\n" % (len(BODY), BODY)
            for writer in self.writers:
                writer.write_framed(chunk)
            return Response(200)
        if request.path == "/memory":
            return Response(200, str(_resident()).encode())
        if request.path == "/cpu":
            return Response(200, str(time.process_time()).encode())
        return Response(201 if request.method == "POST" else 200, BODY)

    def _watch(self) -> Stream:
        held: list[StreamWriter] = []

        def start(writer: StreamWriter) -> None:
            held.append(writer)
            self.writers.add(writer)

        return Stream(start, lambda: self.writers.difference_update(held))


async def serve(directory: Path, pipe: Connection) -> None:
    pki = ensure(directory)
    context = server_context(pki.serving.certificate, pki.serving.key, client_ca=pki.ca.certificate)
    async with HTTPServer(Handler(), context) as server:
        pipe.send(server.port)
        await asyncio.to_thread(pipe.recv)


def run_server(directory: Path, loop: str, pipe: Connection) -> None:
    if loop == "uvloop":
        import uvloop

        uvloop.run(serve(directory, pipe))
    else:
        asyncio.run(serve(directory, pipe))


async def watch(port: int, watchers: int, events: int) -> None:
    context = ssl._create_unverified_context()
    before = await ask(port, context, "/memory")
    connections = []
    for _ in range(watchers):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"GET /watch HTTP/1.1\r\nHost: h\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        connections.append((reader, writer))
    after = await ask(port, context, "/memory")
    print(f"{watchers} idle watches: {(int(after) - int(before)) / watchers:.1f} KiB each")
    start, cpu = time.perf_counter(), float(await ask(port, context, "/cpu"))
    tasks = [asyncio.create_task(drain(reader, events)) for reader, _ in connections]
    for _ in range(events):
        await ask(port, context, "/event")
    await asyncio.gather(*tasks)
    took = time.perf_counter() - start
    rate, cost = watchers * events / took, (float(await ask(port, context, "/cpu")) - cpu) / watchers / events
    print(f"{events} events to {watchers} watchers: {rate:,.0f} deliveries/s, server CPU {cost * 1e6:.1f} µs each")
    for _, writer in connections:
        writer.close()


async def drain(reader: asyncio.StreamReader, events: int) -> None:
    for _ in range(events):
        size = int(await reader.readuntil(b"\r\n"), 16)
        await reader.readexactly(size + 2)


async def ask(port: int, context: ssl.SSLContext, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


def wrk(port: int, seconds: int, *, post: bool) -> None:
    context = ssl._create_unverified_context()
    before = float(asyncio.run(ask(port, context, "/cpu")))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f'wrk.method = "POST"\nwrk.body = [==[{BODY.decode()}]==]\n' if post else "")
        script.flush()
        command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", "-s", script.name, f"https://127.0.0.1:{port}/x"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cpu = float(asyncio.run(ask(port, context, "/cpu"))) - before
    found = re.search(r"99%\s+([\d.]+\w+).*?(\d+) requests in.*?Requests/sec:\s+([\d.]+)", text, re.DOTALL)
    p99, count, rate = found.groups() if found else ("?", "1", "?")
    method = "POST" if post else "GET"
    print(f"{method} {len(BODY)} B: {rate}/s, p99 {p99}, server CPU {cpu / int(count) * 1e6:.1f} µs each")


def _resident() -> int:
    pages = int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--watchers", type=int, default=1000)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as directory:
        arguments = (Path(directory), options.loop, theirs)
        process = multiprocessing.get_context("spawn").Process(target=run_server, args=arguments)
        process.start()
        port = ours.recv()
        if shutil.which("wrk"):
            for post in (False, True):
                wrk(port, options.seconds, post=post)
        asyncio.run(watch(port, options.watchers, 20))
        ours.send("stop")
        process.join()


if __name__ == "__main__":
    main()
