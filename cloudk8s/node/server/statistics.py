"""The two pages about use of resources, gathered from runtime, machine and disks."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.quantity import parse
from cloudk8s.node.machine.filesystems import filesystem_of
from cloudk8s.node.pods import naming
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.pods.worker import PodWorker
from cloudk8s.node.pods.workers import PodWorkers
from cloudk8s.node.runtimes.interface import ContainerStats
from cloudk8s.node.server import agent_metrics, container_metrics, resource_metrics
from cloudk8s.node.server.container_metrics import PodFigures
from cloudk8s.node.server.pod_storage import VolumeUse, read_claims, read_storage
from cloudk8s.node.server.summary import Document, NodeView, PodView, cpu_and_memory, summary
from cloudk8s.node.server.usage import Sample, UsageReader


class Statistics:
    """Looks when asked; rates are from one look to the next."""

    def __init__(self, tools: Tools, workers: PodWorkers) -> None:
        self._tools, self._workers = tools, workers
        self._usage = UsageReader(tools.runtime, clock=tools.clock)
        self._started_at = tools.clock.now()

    async def summary(self, *, only_cpu_and_memory: bool = False) -> Document:
        """`/stats/summary`."""
        samples = await self._usage.containers()
        by_pod: dict[str, list[Sample]] = {}
        for sample in samples:
            by_pod.setdefault(sample.stats.labels.get(naming.POD_UID, ""), []).append(sample)
        workers = [worker for worker in self._workers.all() if worker.pod["metadata"]["uid"] in by_pod]
        node = await self._node()
        views = await self._pods(workers, by_pod)
        return cpu_and_memory(node, views) if only_cpu_and_memory else summary(node, views)

    async def resource_metrics(self) -> str:
        """`/metrics/resource`."""
        samples = await self._usage.containers()
        node = await asyncio.to_thread(self._usage.node)
        started = {
            each.id: each.started_at.timestamp()
            for worker in self._workers.all()
            for each in worker.observed.running()
            if each.started_at is not None
        }
        return resource_metrics.render(node, [sample.stats for sample in samples], started)

    async def container_metrics(self) -> str:
        """`/metrics/cadvisor`."""
        samples = await self._usage.containers()
        by_pod: dict[str, list[ContainerStats]] = {}
        for sample in samples:
            by_pod.setdefault(sample.stats.labels.get(naming.POD_UID, ""), []).append(sample.stats)
        node = await asyncio.to_thread(self._usage.node)
        by_sandbox = await self._usage.networks()
        figures = []
        for worker in self._workers.all():
            sandbox = worker.observed.ready_sandbox
            if stats := by_pod.get(worker.pod["metadata"]["uid"]):
                containers = {each.id: each for each in worker.observed.running()}
                networks = by_sandbox.get(sandbox.id, ()) if sandbox is not None else ()
                figures.append(PodFigures(worker.pod, stats, containers, networks))
        memory = node.memory.working_set + node.memory.available
        return container_metrics.render(node, os.cpu_count() or 1, memory, figures)

    async def agent_metrics(self) -> str:
        """The agent's own part of `/metrics`."""
        workers = self._workers.all()
        states = Counter[str](each.state for worker in workers for each in worker.observed.all_containers())
        running = sum(worker.observed.ready_sandbox is not None for worker in workers)
        claims: list[VolumeUse] = []
        for worker in workers:
            mounted = self._tools.volumes.mounted(worker.pod["metadata"]["uid"])
            claims += await asyncio.to_thread(read_claims, worker.pod, mounted)
        own = agent_metrics.render(self._tools.settings.node_name, running, states, claims)
        return own + page(self._tools.counts.families())

    def probe_metrics(self) -> str:
        """`/metrics/probes`."""
        return page(self._tools.counts.probe_families())

    async def _node(self) -> NodeView:
        settings = self._tools.settings
        return NodeView(
            settings.node_name,
            await asyncio.to_thread(self._usage.node),
            self._started_at,
            await asyncio.to_thread(filesystem_of, settings.root_dir),
            await self._tools.runtime.image_filesystem(),
        )

    async def _pods(self, workers: Sequence[PodWorker], by_pod: dict[str, list[Sample]]) -> list[PodView]:
        by_sandbox = await self._usage.networks()
        views = []
        for worker in workers:
            pod, uid, sandbox = worker.pod, worker.pod["metadata"]["uid"], worker.observed.ready_sandbox
            mounted = self._tools.volumes.mounted(uid)
            storage = await asyncio.to_thread(read_storage, pod, mounted, self._tools.settings.logs_dir)
            views.append(
                PodView(
                    {**pod, "status": worker.status},
                    [_limited(worker, sample) for sample in by_pod[uid]],
                    {each.id: each.started_at for each in worker.observed.running() if each.started_at is not None},
                    by_sandbox.get(sandbox.id, ()) if sandbox is not None else (),
                    storage,
                )
            )
        return views


def _limited(worker: PodWorker, sample: Sample) -> Sample:
    """The sample with the container's limit of memory."""
    container = pods.find_container(worker.pod, sample.stats.name) or {}
    limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
    return replace(sample, memory_limit=parse(limit).value) if limit else sample
