"""What a store does in a second: `python -m benchmarks.storage [--seconds 2] [--directory DIR] [URL ...]`.

Prints writes by number of clients, the same with a loop that is busy with other work (as an API server's is), reads,
ranges, deliveries to watches, start-up, and what 20,000 records of 5 KB cost in memory. Each store has a process of its
own, so that one does not profit from memory another gave back. In a URL, PATH stands for a new file and ROOT for an
unused root: `sqlite://PATH?sync=normal`, `etcd://localhost:2379/ROOT`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cloudk8s.storage.interface import Draft, Durability, Event, Store, Write
from cloudk8s.storage.opening import StoreRegistry, open_store
from cloudk8s_store_etcd.plugin import open_etcd

PREFIX = "/registry/core/pods/"
HEAD = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"default","resourceVersion":"'
TAIL = b'"},"spec":"' + b"x" * 5300 + b'"}'
RECORDS = 20_000
BUSY_SECONDS = 150e-6
"""About what authorization, admission, defaults and encoding take for one write."""


@dataclass(frozen=True)
class Bench:
    """One store to measure."""

    url: str
    directory: Path
    seconds: float

    async def open(self, name: str) -> Store:
        place = self.url.replace("PATH", str(self.directory / f"{name}.db")).replace("ROOT", f"{os.getpid()}-{name}")
        registry = StoreRegistry()
        registry.register("etcd", open_etcd)
        return await open_store(place, registry=registry)

    def show(self, what: str, result: str) -> None:
        print(f"| {self.url:<24} | {what:<44} | {result:>42} |", flush=True)


async def measure(bench: Bench) -> None:
    """Print one table row for each measurement."""
    await measure_memory_and_reads(bench)
    for clients in (1, 16, 64):
        await measure_writes(bench, clients)
    await measure_writes(bench, 64, busy=BUSY_SECONDS)
    await measure_writes(bench, 16, durability="relaxed")
    await measure_fanout(bench, 1000)
    await measure_index(bench, 5000)


async def measure_writes(bench: Bench, clients: int, *, busy: float = 0.0, durability: Durability = "durable") -> None:
    """Creates by concurrent clients, each waiting for its answer before the next."""
    store = await bench.open(f"writes-{clients}-{busy}-{durability}")
    latencies: list[float] = []
    end = time.perf_counter() + bench.seconds

    async def client(number: int) -> None:
        count = 0
        while (start := time.perf_counter()) < end:
            while time.perf_counter() - start < busy:
                pass
            count += 1
            await store.write(Write(f"{PREFIX}{number}/{count}", Draft(HEAD, TAIL), 0, durability))
            latencies.append(time.perf_counter() - start)

    await asyncio.gather(*[client(number) for number in range(clients)])
    await store.close()
    latencies.sort()
    p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
    what = f"{durability} creates, {clients} clients" + (f", {busy * 1e6:.0f} µs of work each" if busy else "")
    bench.show(what, f"{len(latencies) / bench.seconds:,.0f}/s, p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms")


async def measure_memory_and_reads(bench: Bench) -> None:
    """Fill a store, open it again, and read it in all ways."""
    store = await bench.open("filled")
    gc.collect()
    before = resident_bytes()
    queue = writes(RECORDS)
    while batch := list(islice(queue, 100)):
        await asyncio.gather(*[store.write(write) for write in batch])
    gc.collect()
    payload = sum(len(record.value) for record in store.range(PREFIX).records)
    grown = resident_bytes() - before
    bench.show(f"memory for {RECORDS:,} records", f"{grown / 1e6:.0f} MB for {payload / 1e6:.0f} MB of values")
    if bench.url != "memory://":
        await store.close()
        start = time.perf_counter()
        store = await bench.open("filled")
        bench.show(f"open with {RECORDS:,} records", f"{(time.perf_counter() - start) * 1e3:.0f} ms")
    bench.show("get", rate(lambda: store.get(f"{PREFIX}ns7/pod-7"), bench.seconds / 4))
    bench.show("range of 500", rate(lambda: store.range(PREFIX, limit=500), bench.seconds / 4))
    bench.show("range of all", rate(lambda: store.range(PREFIX), bench.seconds / 4))
    old = store.revision
    for write in writes(1000, prefix=PREFIX + "later-"):
        await store.write(write)
    bench.show(
        "range of 500, 1,000 revisions ago",
        rate(lambda: store.range(PREFIX, limit=500, revision=old), bench.seconds / 4),
    )
    await store.close()


async def measure_fanout(bench: Bench, watches: int) -> None:
    """Every watch sees every event."""
    store = await bench.open("fanout")
    delivered = 0

    def deliver(events: Sequence[Event]) -> None:
        nonlocal delivered
        delivered += len(events)

    for _ in range(watches):
        store.watch(PREFIX, deliver)
    seconds = await timed(lambda: asyncio.gather(*[store.write(w) for w in writes(500)]))
    await store.close()
    bench.show(f"500 events to {watches:,} watches", f"{delivered / seconds:,.0f} deliveries/s")


async def measure_index(bench: Bench, watches: int) -> None:
    """Each event is for one watch of many."""
    store = await bench.open("index")
    store.add_index("namespace", PREFIX, lambda record: record.key.split("/")[4])
    for number in range(watches):
        store.watch(PREFIX, lambda events: None, index=("namespace", f"ns{number}"))
    seconds = await timed(lambda: asyncio.gather(*[store.write(w) for w in writes(5000)]))
    await store.close()
    bench.show(f"writes with {watches:,} watches on an index", f"{5000 / seconds:,.0f}/s")


def writes(count: int, prefix: str = PREFIX) -> Iterator[Write]:
    for number in range(count):
        yield Write(f"{prefix}ns{number % 100}/pod-{number}", Draft(HEAD, TAIL), 0)


def rate(call: Callable[[], object], seconds: float) -> str:
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(10):
            call()
        count += 10
    took = (time.perf_counter() - start) / count
    return f"{1 / took:,.0f}/s, {took * 1e6:.2f} µs"


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await call()
    return time.perf_counter() - start


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("urls", nargs="*", default=["memory://", "sqlite://PATH"], metavar="URL")
    parser.add_argument("--seconds", type=float, default=2.0, help="duration of each measurement")
    parser.add_argument("--directory", help="where files are made; its disk is what is measured")
    parser.add_argument(
        "--switch-interval", type=float, default=sys.getswitchinterval(), help="the interpreter's, in s"
    )
    arguments = parser.parse_args()
    sys.setswitchinterval(arguments.switch_interval)
    for url in arguments.urls:
        with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
            bench = Bench(url, Path(directory), arguments.seconds)
            process = multiprocessing.get_context("fork").Process(target=lambda b=bench: asyncio.run(measure(b)))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
