"""A large Deployment on simulated nodes: `python -m benchmarks.rollout [--replicas N] [--nodes N]`.

From its creation until every replica is Ready, as its status says; then a rolling update, while a watch of the pods
checks at every moment that there are no more pods than `maxSurge` allows and no fewer ready ones than `maxUnavailable`.
Ends with 1 if that did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path

from benchmarks.running.servers import Server, cluster, free_port
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import DEPLOYMENTS, NODES, PODS
from cloudk8s.testing.rollout_bounds import RolloutBounds

AIM = 5.0
"""Seconds in which a thousand replicas should be Ready."""
NAME = "web"
NAMESPACE = "default"


def deployment(replicas: int) -> Object:
    labels = {"app": NAME}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "fake:1"}]}}
    return {
        "metadata": {"name": NAME},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod},
    }


async def nodes_ready(client: Client, count: int) -> None:
    while sum(is_ready(node) for node in (await client.list(NODES)).items) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.2)


def is_ready(node: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", []))


async def timed_until_ready(client: Client, replicas: int, change: Awaitable[Object]) -> float:
    """Seconds from a change of the Deployment until its status says that all replicas are the new ones, and ready."""
    began = time.perf_counter()
    generation = (await change)["metadata"]["generation"]
    async with client.watch(DEPLOYMENTS, namespace=NAMESPACE, send_initial_events=True) as events:
        async for event in events:
            if event.type in ("ADDED", "MODIFIED") and is_done(event.object, generation, replicas):
                break
    return time.perf_counter() - began


def is_done(found: Object, generation: int, replicas: int) -> bool:
    status = found.get("status", {})
    counts = [status.get(f"{name}eplicas", 0) for name in ("r", "updatedR", "readyR", "availableR")]
    return status.get("observedGeneration", 0) >= generation and counts == [replicas] * 4


async def observe(client: Client, bounds: RolloutBounds) -> None:
    async with client.watch(PODS, namespace=NAMESPACE, send_initial_events=True) as events:
        async for event in events:
            if event.type in ("ADDED", "MODIFIED", "DELETED"):
                bounds.see(event)


async def measure(up: Server, replicas: int, nodes: int) -> int:
    client = NetworkClient(load_connection(up.kubeconfig))
    await nodes_ready(client, nodes)
    bounds = RolloutBounds(replicas, max_surge=-(-replicas // 4), max_unavailable=replicas // 4)
    watching = asyncio.create_task(observe(client, bounds))
    container = {"name": "main", "image": "fake:2"}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    for what, work, aim in (
        (
            "Ready",
            client.create(DEPLOYMENTS, deployment(replicas), namespace=NAMESPACE),
            f"(aim: 1,000 in {AIM:.0f} s)",
        ),
        ("updated", client.patch(DEPLOYMENTS, NAME, change, namespace=NAMESPACE), ""),
    ):
        used = up.cpu_seconds
        took = await timed_until_ready(client, replicas, work)
        used = up.cpu_seconds - used
        pace = f"{took:5.1f} s  {replicas / took:6,.0f}/s  {used:5.1f} s of CPU"
        print(f"{replicas:,} replicas {what:<7} after {pace}  {aim}")
    await asyncio.sleep(1)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    await client.close()
    return verdict(bounds)


def verdict(bounds: RolloutBounds) -> int:
    most, least = bounds.replicas + bounds.max_surge, bounds.replicas - bounds.max_unavailable
    print(f"  at most {bounds.most:,} pods at once              (allowed: {most:,})")
    print(f"  at least {bounds.fewest_ready or 0:,} of them ready throughout  (needed: {least:,})")
    for line in bounds.broken[:5]:
        print(f"  BROKEN: {line}")
    return 1 if bounds.broken else 0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=100)
    chosen = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as home,
        cluster(Path(home), port=free_port(), simulated_nodes=chosen.nodes) as up,
    ):
        return asyncio.run(measure(up, chosen.replicas, chosen.nodes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
