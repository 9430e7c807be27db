"""What containers of this host use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from cloudk8s.node.runtimes.host import cgroups, processes
from cloudk8s.node.runtimes.host.containers import Containers
from cloudk8s.node.runtimes.host.layers import WritableLayers
from cloudk8s.node.runtimes.host.node_network import NodeNetwork
from cloudk8s.node.runtimes.host.records import ContainerEntry
from cloudk8s.node.runtimes.interface import ContainerStats, NetworkStats


class HostStatistics:
    """The part of `Runtime` that measures; who inherits it has the parts."""

    _containers: Containers
    _layers: WritableLayers
    _network: NodeNetwork

    async def container_stats(self) -> Sequence[ContainerStats]:
        running = [entry for entry in self._containers.entries() if entry.state == "running"]
        self._layers.keep_only({entry.record.id for entry in running})
        return await asyncio.to_thread(lambda: [self._usage(entry) for entry in running])

    async def network_stats(self) -> Mapping[str, Sequence[NetworkStats]]:
        return await asyncio.to_thread(self._network.statistics)

    def _usage(self, entry: ContainerEntry) -> ContainerStats:
        """Blocks for as long as /proc and the disk take."""
        usage, record = _processes_usage(entry), entry.record
        layer = self._layers.measure(record.id, self._containers.directory(record.id) / "upper")
        return ContainerStats(
            id=record.id, name=record.config.name, labels=record.config.labels, time=datetime.now(UTC),
            cpu_nanoseconds=usage.cpu_nanoseconds, memory_working_set=usage.memory_working_set,
            memory_usage=usage.memory_usage, memory_rss=usage.memory_rss, processes=usage.processes,
            writable_layer_bytes=layer.used_bytes, writable_layer_inodes=layer.inodes_used,
        )  # fmt: skip


def _processes_usage(entry: ContainerEntry) -> cgroups.Usage:
    """Of its group, or without one of its first process and all below it."""
    assert entry.run is not None
    if entry.record.cgroups:
        return cgroups.usage(entry.record.cgroups)
    tree = processes.tree_usage(int(entry.run["pid"]))
    return cgroups.Usage(tree.cpu_nanoseconds, tree.rss_bytes, tree.rss_bytes, tree.rss_bytes, tree.processes)
