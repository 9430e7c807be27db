"""`/metrics/resource`: CPU and memory of node, pods and containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.machinery.exposition import Family, names, page
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import ContainerStats
from cloudk8s.node.server.usage import NodeUsage


def render(node: NodeUsage, containers: Sequence[ContainerStats], started: Mapping[str, float]) -> str:
    """The page; `started` is the start time of each container by id, in seconds of the epoch."""
    families = _families()
    found = names(families)
    pods: dict[tuple[str, str], list[ContainerStats]] = {}
    for stats in sorted(containers, key=_place):
        name, namespace, pod = _place(stats)
        pods.setdefault((namespace, pod), []).append(stats)
        labels = {"container": name, "namespace": namespace, "pod": pod}
        found["container_cpu_usage_seconds_total"].add(labels, stats.cpu_nanoseconds / 1e9, stats.time)
        found["container_memory_working_set_bytes"].add(labels, stats.memory_working_set, stats.time)
        if stats.id in started:
            found["container_start_time_seconds"].add(labels, started[stats.id])
    for (namespace, pod), members in sorted(pods.items()):
        labels, time = {"namespace": namespace, "pod": pod}, max(each.time for each in members)
        found["pod_cpu_usage_seconds_total"].add(labels, sum(each.cpu_nanoseconds for each in members) / 1e9, time)
        found["pod_memory_working_set_bytes"].add(labels, sum(each.memory_working_set for each in members), time)
    found["node_cpu_usage_seconds_total"].add({}, node.cpu_nanoseconds / 1e9, node.time)
    found["node_memory_working_set_bytes"].add({}, node.memory.working_set, node.time)
    found["node_swap_usage_bytes"].add({}, node.memory.swap_usage, node.time)
    found["resource_scrape_error"].add({}, 0)
    return page(families)


def _place(stats: ContainerStats) -> tuple[str, str, str]:
    """Container, namespace and pod: the order of the page."""
    return stats.name, stats.labels.get(naming.POD_NAMESPACE, ""), stats.labels.get(naming.POD_NAME, "")


def _families() -> list[Family]:
    total, now = "Cumulative cpu time consumed by the {} in core-seconds", "Current working set of the {} in bytes"
    start = "Start time of the container since unix epoch in seconds"
    swap = "Current swap usage of the node in bytes. Reported only on non-windows systems"
    error = "1 if there was an error while getting container metrics, 0 otherwise"
    return [
        Family("container_cpu_usage_seconds_total", "counter", total.format("container"), "STABLE"),
        Family("container_memory_working_set_bytes", "gauge", now.format("container"), "STABLE"),
        Family("container_start_time_seconds", "gauge", start, "STABLE"),
        Family("node_cpu_usage_seconds_total", "counter", total.format("node"), "STABLE"),
        Family("node_memory_working_set_bytes", "gauge", now.format("node"), "STABLE"),
        Family("node_swap_usage_bytes", "gauge", swap, "ALPHA"),
        Family("pod_cpu_usage_seconds_total", "counter", total.format("pod"), "STABLE"),
        Family("pod_memory_working_set_bytes", "gauge", now.format("pod"), "STABLE"),
        Family("resource_scrape_error", "gauge", error, "STABLE"),
    ]
