"""Thousands of simulated nodes and pods: `python -m benchmarks.fleet [--nodes N] [--pods N] [--held N]`.

First kwok's three rows, in its words: nodes Ready, pods Running (made one by one, all on one node), pods gone, each
counted by a watch or a list of the API from another process; the first from the start of the command. With `--held`,
that many pods of Deployments are then bound by the scheduler and kept, while single reads, single writes, lists and the
lag of controllers are measured.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.running.servers import Server, cluster, free_port
from cloudk8s.client.interface import Client, ListOptions, Object
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import DEPLOYMENTS, NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS

KWOK = {"nodes Ready": 20.0, "pods Running": 20.0, "pods gone": 30.0}
"""Seconds that kwok allows for 5,000 nodes and 10,000 pods where it writes to etcd past the API server."""
WRITERS = 16
REPLICAS = 1000
"""Pods of one Deployment of those that are held."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A running cluster and the clients that load it."""

    server: Server
    clients: Sequence[Client]
    ready: float
    """Seconds from the start of the command until the last node was Ready."""

    @property
    def client(self) -> Client:
        return self.clients[0]


@contextmanager
def fleet(home: Path, nodes: int) -> Iterator[Fleet]:
    began = time.perf_counter()
    with cluster(home, port=free_port(), simulated_nodes=nodes) as server:
        connection = load_connection(server.kubeconfig)
        ready = asyncio.run(all_ready(NetworkClient(connection), nodes, began))
        yield Fleet(server, [NetworkClient(connection) for _ in range(WRITERS)], ready)


async def all_ready(client: Client, count: int, began: float) -> float:
    ready: set[str] = set()
    async with client.watch(NODES, send_initial_events=True) as events:
        async for event in events:
            if event.type in ("ADDED", "MODIFIED") and is_ready(event.object):
                ready.add(event.object["metadata"]["name"])
            if len(ready) == count:
                break
    await client.close()
    return time.perf_counter() - began


def is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def bare_pod(name: str, node: str) -> Object:
    spec = {"nodeName": node, "containers": [{"name": "main", "image": "fake"}]}
    return {"metadata": {"name": name}, "spec": spec}


async def side_by_side(work: Sequence[Callable[[Client], Awaitable[object]]], clients: Sequence[Client]) -> None:
    """Do the work, so much at a time as there are clients."""
    pending = iter(work)

    async def worker(client: Client) -> None:
        for one in pending:
            await one(client)

    await asyncio.gather(*(worker(client) for client in clients))


async def rows(fleet: Fleet, pods: int) -> dict[str, float]:
    """kwok's second and third row: all pods on one node, then gone."""
    await namespace(fleet.client, "rows")
    names = [f"pod-{index}" for index in range(pods)]
    node = (await fleet.client.list(NODES, options=ListOptions(limit=1))).items[0]["metadata"]["name"]

    def creating(name: str) -> Callable[[Client], Awaitable[object]]:
        return lambda client: client.create(PODS, bare_pod(name, node), namespace="rows")

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(all_running(fleet.client, "rows", pods))
        await side_by_side([creating(name) for name in names], fleet.clients[1:])
        await waiting
    running = time.perf_counter() - began
    began = time.perf_counter()
    await fleet.client.delete_collection(PODS, namespace="rows")
    while (await fleet.client.list(PODS, namespace="rows", options=ListOptions(limit=1))).items:  # noqa: ASYNC110 (as kwok counts)
        await asyncio.sleep(0.25)
    return {"pods Running": running, "pods gone": time.perf_counter() - began}


async def all_running(client: Client, namespace: str, count: int) -> None:
    running: set[str] = set()
    async with client.watch(PODS, namespace=namespace, send_initial_events=True) as events:
        async for event in events:
            if event.object.get("status", {}).get("phase") == "Running":
                running.add(event.object["metadata"]["name"])
            if len(running) == count:
                return


async def hold(fleet: Fleet, pods: int) -> None:
    """Deployments of a thousand each, until all are available; then what the API answers meanwhile."""
    await namespace(fleet.client, "held")
    began = time.perf_counter()
    for index in range(pods // REPLICAS):
        await fleet.client.create(DEPLOYMENTS, deployment(f"web-{index}"), namespace="held")
    while (available := await count_available(fleet.client)) < pods // REPLICAS * REPLICAS:
        await asyncio.sleep(2)
        print(f"\r  {available} of {pods} pods available", end="", file=sys.stderr, flush=True)
    took = time.perf_counter() - began
    print(f"\n{available} pods created, bound and Running  {took:6.0f} s  {available / took:,.0f}/s")
    print(f"memory of the whole control plane   {fleet.server.resident_megabytes:8,.0f} MB   (aim 4,096)")
    names = [
        pod["metadata"]["name"]
        for pod in (await fleet.client.list(PODS, namespace="held", options=ListOptions(limit=200))).items
    ]
    reads = [await timed(fleet.client.get(PODS, name, namespace="held")) for name in names * 5]
    mark = {"metadata": {"annotations": {"bench": "1"}}}
    writes = [await timed(fleet.client.patch(PODS, name, mark, namespace="held")) for name in names]
    lists = [await timed(fleet.client.request("GET", "/api/v1/pods?resourceVersion=0")) for _ in range(3)]
    pages = [await timed(fleet.client.list(PODS, namespace="held", options=ListOptions(limit=500))) for _ in range(20)]
    lags = [await scale_lag(fleet.client, index) for index in range(5)]
    for what, values, aim in (
        ("GET of one pod, p99", reads, "1 s"), ("PATCH of one pod, p99", writes, "1 s"),
        ("LIST of 500 pods, p99", pages, "30 s"), ("LIST of all pods, p99", lists, "30 s"),
        ("one more replica is created after, p50", lags, ""),
    ):  # fmt: skip
        chosen = statistics.median(values) if "p50" in what else percentile(values, 0.99)
        print(f"{what:<40} {chosen * 1000:10,.1f} ms   {f'(SLO {aim})' if aim else ''}")


def deployment(name: str) -> Object:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "fake"}]}}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": pod},
    }


async def count_available(client: Client) -> int:
    found = await client.list(DEPLOYMENTS, namespace="held")
    return sum(each.get("status", {}).get("availableReplicas", 0) for each in found.items)


async def scale_lag(client: Client, index: int) -> float:
    """From a changed Deployment to its new pod."""
    name = f"web-{index}"
    before = await client.list(PODS, namespace="held", options=ListOptions(label_selector=f"app={name}"))
    options = ListOptions(label_selector=f"app={name}", resource_version=before.resource_version)
    async with client.watch(PODS, namespace="held", options=options) as events:
        began = time.perf_counter()
        await client.patch(DEPLOYMENTS, name, {"spec": {"replicas": REPLICAS + 1}}, namespace="held")
        async for event in events:
            if event.type == "ADDED":
                break
    return time.perf_counter() - began


async def timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def namespace(client: Client, name: str) -> None:
    await client.create(NAMESPACES, {"metadata": {"name": name}})
    while not (await client.list(SERVICE_ACCOUNTS, namespace=name)).items:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--held", type=int, default=0, help="pods to keep afterwards")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home, fleet(Path(home), chosen.nodes) as running:
        asyncio.run(measure(running, chosen.nodes, chosen.pods, chosen.held))
    return 0


async def measure(running: Fleet, nodes: int, pods: int, held: int) -> None:
    took = {"nodes Ready": running.ready, **(await rows(running, pods))}
    for what, count in (("nodes Ready", nodes), ("pods Running", pods), ("pods gone", pods)):
        print(
            f"{count:>7,} {what:<14} {took[what]:6.1f} s  {count / took[what]:8,.0f}/s"
            f"   (kwok's gate for 5,000 and 10,000: {KWOK[what]:.0f} s)"
        )
    print(f"memory of the whole control plane {running.server.resident_megabytes:6,.0f} MB")
    if held:
        await hold(running, held)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
