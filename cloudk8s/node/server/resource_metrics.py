"""`/metrics/resource`: CPU and memory of node, pods and containers in Prometheus' text format. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import ContainerStats
from cloudk8s.node.server.usage import NodeUsage

_HELP = {
    "container_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed by the container in core-seconds"),
    "container_memory_working_set_bytes": ("gauge", "Current working set of the container in bytes"),
    "container_start_time_seconds": ("gauge", "Start time of the container since unix epoch in seconds"),
    "node_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed by the node in core-seconds"),
    "node_memory_working_set_bytes": ("gauge", "Current working set of the node in bytes"),
    "pod_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed by the pod in core-seconds"),
    "pod_memory_working_set_bytes": ("gauge", "Current working set of the pod in bytes"),
    "resource_scrape_error": ("gauge", "1 if there was an error while getting container metrics, 0 otherwise"),
}

Row = tuple[Mapping[str, str], float]


def render(node: NodeUsage, containers: Sequence[ContainerStats], started: Mapping[str, float]) -> str:
    """The page; `started` is the start time of each container by id, in seconds of the epoch."""
    stamp = round(node.time.timestamp() * 1000)
    rows: dict[str, list[Row]] = {name: [] for name in _HELP}
    pods: dict[tuple[str, str], list[ContainerStats]] = {}
    for stats in containers:
        namespace, pod = stats.labels.get(naming.POD_NAMESPACE, ""), stats.labels.get(naming.POD_NAME, "")
        pods.setdefault((namespace, pod), []).append(stats)
        labels = {"container": stats.name, "namespace": namespace, "pod": pod}
        rows["container_cpu_usage_seconds_total"].append((labels, stats.cpu_nanoseconds / 1e9))
        rows["container_memory_working_set_bytes"].append((labels, stats.memory_working_set))
        if stats.id in started:
            rows["container_start_time_seconds"].append((labels, started[stats.id]))
    for (namespace, pod), found in pods.items():
        labels = {"namespace": namespace, "pod": pod}
        rows["pod_cpu_usage_seconds_total"].append((labels, sum(each.cpu_nanoseconds for each in found) / 1e9))
        rows["pod_memory_working_set_bytes"].append((labels, sum(each.memory_working_set for each in found)))
    rows["node_cpu_usage_seconds_total"].append(({}, node.cpu_nanoseconds / 1e9))
    rows["node_memory_working_set_bytes"].append(({}, node.memory_working_set))
    rows["resource_scrape_error"].append(({}, 0))
    return "".join(_family(name, rows[name], stamp) for name in _HELP if rows[name])


def _family(name: str, rows: Sequence[Row], stamp: int) -> str:
    kind, words = _HELP[name]
    timed = "" if name == "resource_scrape_error" else f" {stamp}"
    lines = [f"# HELP {name} [STABLE] {words}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{_labels(labels)} {value:.16g}{timed}" for labels, value in rows]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""
