"""`/stats/summary`: use of resources by node, pod and container, in the shape that autoscalers and `top` read. Pure.

https://kubernetes.io/docs/reference/instrumentation/node-metrics/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloudk8s.machinery.times import format_time
from cloudk8s.node.machine.filesystems import Content, Filesystem
from cloudk8s.node.runtimes.interface import ContainerStats, FilesystemUsage, NetworkStats
from cloudk8s.node.server.pod_storage import PodStorage, VolumeUse
from cloudk8s.node.server.usage import NodeUsage, Sample

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NodeView:
    """The machine: what it is called, since when the agent runs, and how full its disks are."""

    name: str
    usage: NodeUsage
    started_at: datetime
    filesystem: Filesystem
    images: FilesystemUsage


@dataclass(frozen=True, slots=True)
class PodView:
    """One pod with containers that run; `started` is by container id."""

    pod: Document
    samples: Sequence[Sample]
    started: Mapping[str, datetime] = field(default_factory=dict)
    networks: Sequence[NetworkStats] = ()
    storage: PodStorage = field(default_factory=PodStorage)


def summary(node: NodeView, pods: Sequence[PodView]) -> Document:
    """The whole document."""
    return {"node": _node(node), "pods": [_Pod(view, node).document() for view in pods]}


def cpu_and_memory(node: NodeView, pods: Sequence[PodView]) -> Document:
    """What `?only_cpu_and_memory=true` asks for."""
    kept = ("nodeName", "podRef", "name", "startTime", "cpu", "memory", "containers", "swap")

    def only(part: Document) -> Document:
        found = {key: value for key, value in part.items() if key in kept}
        if "containers" in found:
            found["containers"] = [only(container) for container in found["containers"]]
        return found

    whole = summary(node, pods)
    return {"node": only(whole["node"]), "pods": [only(pod) for pod in whole["pods"]]}


def _node(node: NodeView) -> Document:
    usage, memory, moment = node.usage, node.usage.memory, format_time(node.usage.time)
    document: Document = {
        "nodeName": node.name,
        "startTime": format_time(node.started_at),
        "cpu": _cpu(usage.time, usage.cpu_nanoseconds, usage.nano_cores),
        "memory": {
            "time": moment,
            "availableBytes": memory.available,
            "usageBytes": memory.usage,
            "workingSetBytes": memory.working_set,
            "rssBytes": memory.rss,
            "pageFaults": memory.page_faults,
            "majorPageFaults": memory.major_page_faults,
        },
    }
    if usage.networks:
        document["network"] = _network(usage.networks, usage.time)
    whole = node.filesystem
    images = Content(node.images.used_bytes, node.images.inodes_used)
    return document | {
        "fs": _filesystem(whole, Content(whole.used_bytes, whole.inodes_used), usage.time),
        "runtime": {
            "imageFs": _filesystem(whole, images, usage.time),
            "containerFs": _filesystem(whole, images, usage.time),
        },
        "rlimit": {"time": moment, "maxpid": usage.process_limit, "curproc": usage.processes},
        "swap": {"time": moment, "swapAvailableBytes": memory.swap_available, "swapUsageBytes": memory.swap_usage},
    }


@dataclass(frozen=True, slots=True)
class _Pod:
    view: PodView
    node: NodeView

    def document(self) -> Document:
        metadata, status = self.view.pod["metadata"], self.view.pod.get("status") or {}
        samples, now = self.view.samples, self.node.usage.time
        rates = [sample.nano_cores for sample in samples if sample.nano_cores is not None]
        document: Document = {
            "podRef": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
            "startTime": status.get("startTime"),
            "containers": [self._container(each) for each in samples],
            "cpu": _cpu(now, sum(each.stats.cpu_nanoseconds for each in samples), sum(rates) if rates else None),
            "memory": _memory(now, samples),
        }
        if self.view.networks:
            document["network"] = _network(self.view.networks, now)
        if self.view.storage.volumes:
            document["volume"] = [self._volume(each) for each in self.view.storage.volumes]
        return document | {
            "ephemeral-storage": _filesystem(self.node.filesystem, self._own(), now),
            "process_stats": {"process_count": sum(each.stats.processes for each in samples)},
        }

    def _container(self, sample: Sample) -> Document:
        stats, whole = sample.stats, self.node.filesystem
        started = self.view.started.get(stats.id)
        logs = self.view.storage.logs.get(stats.name, Content())
        return {
            "name": stats.name,
            "startTime": format_time(started or stats.time),
            "cpu": _cpu(stats.time, stats.cpu_nanoseconds, sample.nano_cores),
            "memory": _memory(stats.time, [sample]) | self._available(sample),
            "rootfs": _filesystem(whole, _layer(stats), stats.time),
            "logs": _filesystem(whole, logs, stats.time),
        }

    def _available(self, sample: Sample) -> Document:
        """What is left of the container's limit, if it has one."""
        limit = sample.memory_limit
        return {"availableBytes": max(0, limit - sample.stats.memory_working_set)} if limit else {}

    def _volume(self, use: VolumeUse) -> Document:
        claim = {"pvcRef": {"name": use.claim[1], "namespace": use.claim[0]}} if use.claim else {}
        return _filesystem(use.filesystem, use.content, self.node.usage.time) | {"name": use.name} | claim

    def _own(self) -> Content:
        """Writable layers, logs and volumes that end with the pod."""
        layers = sum((_layer(each.stats) for each in self.view.samples), Content())
        volumes = (use.content for use in self.view.storage.volumes if use.is_ephemeral)
        return sum((*self.view.storage.logs.values(), *volumes), layers)


def _layer(stats: ContainerStats) -> Content:
    return Content(stats.writable_layer_bytes, stats.writable_layer_inodes)


def _cpu(time: datetime, cumulative: int, rate: int | None) -> Document:
    known = {} if rate is None else {"usageNanoCores": rate}
    return {"time": format_time(time), **known, "usageCoreNanoSeconds": cumulative}


def _memory(time: datetime, samples: Sequence[Sample]) -> Document:
    return {
        "time": format_time(time),
        "usageBytes": sum(each.stats.memory_usage for each in samples),
        "workingSetBytes": sum(each.stats.memory_working_set for each in samples),
        "rssBytes": sum(each.stats.memory_rss for each in samples),
    }


def _filesystem(whole: Filesystem, content: Content, time: datetime) -> Document:
    return {
        "time": format_time(time),
        "availableBytes": whole.available_bytes,
        "capacityBytes": whole.capacity_bytes,
        "usedBytes": content.used_bytes,
        "inodesFree": whole.inodes_free,
        "inodes": whole.inodes,
        "inodesUsed": content.inodes_used,
    }


def _network(networks: Sequence[NetworkStats], time: datetime) -> Document:
    interfaces = [_interface(each) for each in networks]
    return {"time": format_time(time), **interfaces[0], "interfaces": interfaces}


def _interface(network: NetworkStats) -> Document:
    return {
        "name": network.interface,
        "rxBytes": network.rx_bytes,
        "rxErrors": network.rx_errors,
        "txBytes": network.tx_bytes,
        "txErrors": network.tx_errors,
    }
