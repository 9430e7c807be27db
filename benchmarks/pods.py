"""Pods of this host: `python -m benchmarks.pods [--one-by-one N] [--at-once N] [--services N] [--runtime host|cri]`.

Starts `cloudk8s up` with one node and measures, as a client of its API: from a pod's creation to Running at one pod a
second; many at once; what the node agent costs while pods idle; and, as root, from a Service's changed endpoint until a
connection to its address reaches the new pod, among many Services.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.running.servers import as_installed, cpu_seconds, resident_megabytes
from cloudk8s.client.interface import Client, ListOptions, Object
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES
from cloudk8s.controlplane import directories

IDLE_SECONDS = 10.0
ECHO = """
import os, socket
s = socket.create_server(("0.0.0.0", 8080))
while True:
    c, _ = s.accept()
    c.sendall(os.environ["NAME"].encode())
    c.close()
"""


@contextmanager
def cluster(home: Path, runtime: str) -> Iterator[Path]:
    """A running cluster's data directory."""
    data = home / "data"
    environment = as_installed(home) | {"KUBECONFIG": str(home / "kubeconfig")}
    command = [sys.executable, "-m", "cloudk8s"]
    options = ["--name", "pods", "--port", "0", "--data-dir", str(data), "--runtime", runtime, "--detach"]
    subprocess.run([*command, "up", *options], env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        yield data
    finally:
        subprocess.run(
            [*command, "down", "--name", "pods", "--purge", "--data-dir", str(data)],
            env=environment, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip


def pod(name: str, script: str = "sleep 600", labels: dict[str, str] | None = None) -> Object:
    container = {"name": "main", "image": "host", "command": ["sh", "-c", script]}
    return {
        "metadata": {"name": name, "labels": labels or {"app": "idle"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False},
    }


async def one_by_one(client: Client, count: int) -> list[float]:
    """Seconds from a pod's creation until a watch says Running, a pod a second."""
    took = []
    for index in range(count):
        began = time.perf_counter()
        took.append(await created_until_running(client, [f"single-{index}"]))
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - began)))
    return took


async def created_until_running(client: Client, names: Sequence[str]) -> float:
    """Make the pods side by side; seconds until the last of them runs."""
    revision = (await client.list(PODS, namespace="default", options=ListOptions(limit=1))).resource_version
    waiting, began = set(names), time.perf_counter()
    async with client.watch(PODS, namespace="default", options=ListOptions(resource_version=revision)) as events:
        made = asyncio.gather(*(client.create(PODS, pod(name), namespace="default") for name in names))
        async for event in events:
            if event.object.get("status", {}).get("phase") == "Running":
                waiting.discard(event.object["metadata"]["name"])
            if not waiting:
                break
        await made
    return time.perf_counter() - began


async def remove_all(client: Client) -> None:
    await client.delete_collection(PODS, namespace="default")
    while (await client.list(PODS, namespace="default", options=ListOptions(limit=1))).items:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def agents(data: Path) -> list[int]:
    """Processes of the node agent: children of the cluster that are told to be a node."""
    state = directories.read_state(data)
    assert state is not None
    children = Path(f"/proc/{state.pid}/task/{state.pid}/children").read_text().split()
    return [int(child) for child in children if b"cloudk8s" in Path(f"/proc/{child}/cmdline").read_bytes()]


async def idle_cost(data: Path) -> None:
    for pid in agents(data):
        before = cpu_seconds(pid)
        await asyncio.sleep(IDLE_SECONDS)
        share = (cpu_seconds(pid) - before) / IDLE_SECONDS
        cost = f"{resident_megabytes(pid):8.1f} MB    {share:6.2%} of a core"
        print(f"{'agent with 50 idle pods':<40} {cost}   (aim 60 MB, 1 %)")


async def service_changes(client: Client, services: int, changes: int) -> list[float]:
    """Seconds from a changed endpoint until a connection to the cluster address reaches the other pod."""
    for name in ("first", "second"):
        body = pod(name, f"exec env NAME={name} python3 -c '{ECHO}'", {"app": name})
        await client.create(PODS, body, namespace="default")
    addresses = [await address_of(client, name) for name in ("first", "second")]
    for start in range(0, services, 50):
        await asyncio.gather(*(make_service(client, number, addresses[0]) for number in range(start, start + 50)))
    service = await client.get(SERVICES, "s-0", namespace="default")
    target = (service["spec"]["clusterIP"], 80)
    await until_answers(target, "first")
    took = []
    for turn in range(changes):
        wanted = (turn + 1) % 2
        endpoints = [{"addresses": [addresses[wanted]], "conditions": {"ready": True}}]
        await client.patch(ENDPOINT_SLICES, "s-0", {"endpoints": endpoints}, namespace="default")
        took.append(await until_answers(target, ("first", "second")[wanted]))
    return took


async def make_service(client: Client, number: int, address: str) -> None:
    name = f"s-{number}"
    await client.create(SERVICES, {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}, namespace="default")
    labels = {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "benchmark"}
    piece = {
        "metadata": {"name": name, "labels": labels}, "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}], "ports": [{"port": 8080}],
    }  # fmt: skip
    await client.create(ENDPOINT_SLICES, piece, namespace="default")


async def address_of(client: Client, name: str) -> str:
    while not (found := (await client.get(PODS, name, namespace="default")).get("status", {}).get("podIP")):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return str(found)


async def until_answers(target: tuple[str, int], wanted: str) -> float:
    began = time.perf_counter()
    while await asyncio.to_thread(said_by, target) != wanted:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    return time.perf_counter() - began


def said_by(target: tuple[str, int]) -> str:
    try:
        with socket.create_connection(target, timeout=1) as connection:
            return connection.recv(100).decode()
    except OSError:
        return ""


def spread(what: str, values: Sequence[float], aim: str) -> None:
    worst = sorted(values)[max(0, int(len(values) * 0.99) - 1)]
    print(f"{what:<40} {statistics.median(values) * 1000:8.0f} ms p50 {worst * 1000:6.0f} ms p99   (aim {aim})")


async def measure(data: Path, chosen: argparse.Namespace) -> None:
    client = NetworkClient(load_connection(data / "admin.conf"))
    await created_until_running(client, ["warm"])
    spread("pod to Running, one a second", await one_by_one(client, chosen.one_by_one), "150, 500")
    await remove_all(client)
    took = await created_until_running(client, [f"many-{index}" for index in range(chosen.at_once)])
    print(f"{f'{chosen.at_once} pods at once Running':<40} {took:8.1f} s                     (aim 10 s)")
    await remove_all(client)
    await created_until_running(client, [f"idle-{index}" for index in range(50)])
    await asyncio.sleep(3)
    await idle_cost(data)
    await remove_all(client)
    if chosen.services and os.geteuid() == 0:
        changes = await service_changes(client, chosen.services, chosen.changes)
        spread(f"change among {chosen.services} Services", changes, "p99 200")
    node = (await client.list(NODES)).items[0]
    print(f"on {node['status']['nodeInfo']['containerRuntimeVersion']}")
    await client.close()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one-by-one", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--runtime", default="host")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as home, cluster(Path(home), chosen.runtime) as data:
        asyncio.run(measure(data, chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
