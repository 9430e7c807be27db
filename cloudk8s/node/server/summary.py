"""`/stats/summary`: use of resources by node, pod and container, in the shape that autoscalers and `top` read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cloudk8s.machinery.times import format_time
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import FilesystemUsage, NetworkStats
from cloudk8s.node.server.usage import NodeUsage, Sample

Document = dict[str, Any]


def summary(
    node_name: str, node: NodeUsage, samples: Sequence[Sample], pods: Mapping[str, Document], *,
    networks: Mapping[str, Sequence[NetworkStats]], images: FilesystemUsage, started_at: datetime,
) -> Document:  # fmt: skip
    """The whole document; `pods` are the pods' objects by UID, `networks` interfaces by pod UID."""
    by_pod: dict[str, list[Sample]] = {}
    for sample in samples:
        by_pod.setdefault(sample.stats.labels.get(naming.POD_UID, ""), []).append(sample)
    return {
        "node": {
            "nodeName": node_name,
            "startTime": format_time(started_at),
            "cpu": _cpu(node.time, node.cpu_nanoseconds, node.nano_cores),
            "memory": {
                "time": format_time(node.time),
                "availableBytes": node.memory_available,
                "usageBytes": node.memory_working_set,
                "workingSetBytes": node.memory_working_set,
            },
            "runtime": {"imageFs": {"time": format_time(node.time), "usedBytes": images.used_bytes}},
        },
        "pods": [
            _pod(pods[uid], found, networks.get(uid, ()), node.time) for uid, found in by_pod.items() if uid in pods
        ],
    }


def _pod(pod: Document, samples: Sequence[Sample], networks: Sequence[NetworkStats], now: datetime) -> Document:
    metadata, status = pod["metadata"], pod.get("status") or {}
    rates = [sample.nano_cores for sample in samples if sample.nano_cores is not None]
    total = {
        "cpu": _cpu(now, sum(each.stats.cpu_nanoseconds for each in samples), sum(rates) if rates else None),
        "memory": _memory(now, samples),
        "process_stats": {"process_count": sum(each.stats.processes for each in samples)},
    }
    document: Document = {
        "podRef": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
        "startTime": status.get("startTime"),
        "containers": [_container(each) for each in samples],
        **total,
    }
    if networks:
        first = _interface(networks[0])
        document["network"] = {"time": format_time(now), **first, "interfaces": [_interface(each) for each in networks]}
    return document


def _container(sample: Sample) -> Document:
    stats = sample.stats
    return {
        "name": stats.name,
        "startTime": format_time(stats.time),
        "cpu": _cpu(stats.time, stats.cpu_nanoseconds, sample.nano_cores),
        "memory": _memory(stats.time, [sample]),
        "rootfs": {"time": format_time(stats.time), "usedBytes": stats.writable_layer_bytes},
    }


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


def _interface(network: NetworkStats) -> Document:
    return {
        "name": network.interface,
        "rxBytes": network.rx_bytes,
        "rxErrors": network.rx_errors,
        "txBytes": network.tx_bytes,
        "txErrors": network.tx_errors,
    }
