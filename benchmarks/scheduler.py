"""How many pods a second the scheduler places: `python -m benchmarks.scheduler [--nodes 5000] [--pods 4000] [CASE]`.

The scheduler runs as in a cluster, with informers, queue, columns and bindings, against an API that answers at once:
what is measured is the scheduler alone. The pods are there before it starts. Each case has a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cloudk8s.client import resources
from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, ListOptions, Object, Resource, WatchEvent
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.scheduler.scheduler import Scheduler, SchedulerContext

HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class InstantApi:
    """Objects in memory; a binding is done, and seen by watches, before it is answered."""

    def __init__(self, objects: dict[Resource, list[Object]]) -> None:
        self.objects = objects
        self.bound = 0
        self.wanted = 0
        self.done = asyncio.Event()
        self._version = 1
        self._watches: dict[Resource, asyncio.Queue[WatchEvent]] = {}
        self._pods = {pod["metadata"]["name"]: pod for pod in objects[resources.PODS]}

    async def create(
        self, resource: Resource, obj: Object, *, namespace: str = "", name: str = "", subresource: str = "",
        dry_run: bool = False,
    ) -> Object:  # fmt: skip
        if subresource == "binding":
            self._bind(self._pods[name], obj["target"]["name"])
        return obj

    async def delete(self, resource: Resource, name: str, **_: Any) -> Object:
        gone = self._pods[name]
        self._version += 1
        metadata = gone["metadata"] | {"resourceVersion": str(self._version)}
        self._watches[resource].put_nowait(WatchEvent("DELETED", {**gone, "metadata": metadata}))
        return gone

    async def patch(self, resource: Resource, name: str, patch: Any, **_: Any) -> Object:
        return {}

    @asynccontextmanager
    async def watch(
        self, resource: Resource, *, namespace: str = "", options: ListOptions = ListOptions(),
        send_initial_events: bool = False,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:  # fmt: skip
        queue: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self._watches[resource] = queue
        for obj in self.objects.get(resource, ()):
            queue.put_nowait(WatchEvent("ADDED", obj))
        end = {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}
        queue.put_nowait(WatchEvent("BOOKMARK", {"metadata": end}))
        yield _events(queue)

    def _bind(self, pod: Object, node: str) -> None:
        self._version += 1
        metadata = pod["metadata"] | {"resourceVersion": str(self._version)}
        bound = {**pod, "metadata": metadata, "spec": {**pod["spec"], "nodeName": node}}
        self._watches[resources.PODS].put_nowait(WatchEvent("MODIFIED", bound))
        self.bound += 1
        if self.bound == self.wanted:
            self.done.set()


async def _events(queue: asyncio.Queue[WatchEvent]) -> AsyncIterator[WatchEvent]:
    while True:
        yield await queue.get()


@dataclass(frozen=True)
class Case:
    """A kind of pod."""

    name: str
    spec: Callable[[int], dict[str, Any]]
    groups: int = 20
    """How many different sets of labels there are."""
    floor: int = 500
    cpu: str = "100m"
    victims: int = 0
    """Less important pods on every node before, which fill it."""


def _selector(index: int) -> Object:
    return {"matchLabels": {"app": f"a{index}"}}


def _spread(index: int) -> Object:
    constraint = {
        "maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": _selector(index),
    }  # fmt: skip
    return {"topologySpreadConstraints": [constraint]}


def _affinity(kind: str, rule: str, key: str) -> Callable[[int], Object]:
    def spec(index: int) -> Object:
        term: Object = {"labelSelector": _selector(index), "topologyKey": key}
        if rule == PREFERRED:
            term = {"weight": 1, "podAffinityTerm": term}
        return {"affinity": {kind: {rule: [term]}}}

    return spec


CASES: Sequence[Case] = (
    Case("plain", lambda index: {}, floor=2000),
    Case("topology spread (zone)", _spread),
    Case("required affinity (zone)", _affinity("podAffinity", REQUIRED, ZONE)),
    Case("required anti-affinity (host)", _affinity("podAntiAffinity", REQUIRED, HOSTNAME), groups=1),
    Case("preferred affinity (host)", _affinity("podAffinity", PREFERRED, HOSTNAME)),
    Case("preferred anti-affinity (host)", _affinity("podAntiAffinity", PREFERRED, HOSTNAME)),
    Case("preemption", lambda index: {"priority": 1000}, cpu="8", victims=4, floor=50),
)


def node(index: int) -> Object:
    name = f"n{index:05d}"
    amounts = {"cpu": "32", "memory": "256Gi", "pods": "110"}
    labels = {HOSTNAME: name, ZONE: f"z{index % 3}"}
    metadata = {"name": name, "labels": labels, "resourceVersion": "1", "uid": name}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}, "status": {"allocatable": amounts}}


def pod(index: int, case: Case) -> Object:
    name, group = f"p{index:06d}", index % case.groups
    requests = {"cpu": case.cpu, "memory": "128Mi"}
    container = {"name": "c", "image": "pause", "resources": {"requests": requests}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "default", "labels": {"app": f"a{group}"}, "uid": name, "generation": 1,
            "resourceVersion": "1",
        },
        "spec": {"containers": [container], "schedulerName": "default-scheduler", **case.spec(group)},
        "status": {"phase": "Pending"},
    }  # fmt: skip


def victims(case: Case, nodes: int) -> list[Object]:
    """Running pods that fill all nodes."""
    plain = Case("victim", lambda index: {}, cpu=case.cpu)
    made = []
    for index in range(nodes * case.victims):
        obj = pod(index, plain)
        obj["metadata"] |= {"name": f"v{index:06d}", "uid": f"v{index}"}
        obj["spec"] |= {"nodeName": f"n{index // case.victims:05d}", "priority": 0}
        made.append(obj)
    return made


async def measure(case: Case, nodes: int, pods: int) -> float:
    """Pods per second, from the start of the scheduler to the last binding."""
    namespace = {"metadata": {"name": "default", "resourceVersion": "1"}}
    api = InstantApi({
        resources.NODES: [node(index) for index in range(nodes)],
        resources.PODS: [*victims(case, nodes), *(pod(index, case) for index in range(pods))],
        resources.NAMESPACES: [namespace],
    })  # fmt: skip
    api.wanted = pods
    clock = SystemClock()
    client: Client = api  # type: ignore[assignment]
    events = EventRecorder(client, "default-scheduler", clock=clock, series=True)
    async with Informers(client, clock=clock) as informers, asyncio.TaskGroup() as group:
        scheduler = Scheduler(SchedulerContext(client, informers, events, clock, random.Random(0)))
        await informers.synced()
        gc.collect()
        gc.freeze()
        started = time.perf_counter()
        tasks = [group.create_task(scheduler.run()), group.create_task(events.run())]
        await api.done.wait()
        taken = time.perf_counter() - started
        for task in tasks:
            task.cancel()
    return pods / taken


def _run(name: str, nodes: int, pods: int) -> None:
    case = next(case for case in CASES if case.name == name)
    rate = asyncio.run(measure(case, nodes, pods))
    print(f"| {name:<32} | {nodes:>6} | {pods:>6} | {rate:>9,.0f} | {case.floor:>6,} |", flush=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=4000)
    parser.add_argument("--here", action="store_true", help="in this process, for profilers")
    parser.add_argument("cases", nargs="*", help=", ".join(case.name for case in CASES))
    chosen = parser.parse_args(arguments)
    print(f"| {'pods':<32} | {'nodes':>6} | {'pods':>6} | {'pods/s':>9} | {'aim':>6} |")
    for case in CASES:
        if chosen.cases and not any(case.name.startswith(wanted) for wanted in chosen.cases):
            continue
        if chosen.here:
            _run(case.name, chosen.nodes, chosen.pods)
            continue
        process = multiprocessing.get_context("spawn").Process(target=_run, args=(case.name, chosen.nodes, chosen.pods))
        process.start()
        process.join()
        if process.exitcode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
