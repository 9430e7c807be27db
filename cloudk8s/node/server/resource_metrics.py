"""`/metrics/resource`: CPU and memory of node, pods and containers in Prometheus' text format. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cloudk8s.machinery.go_text import format_float
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import ContainerStats
from cloudk8s.node.server.usage import NodeUsage

_HELP = {
    "container_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed by the container in core-seconds"),
    "container_memory_working_set_bytes": ("gauge", "Current working set of the container in bytes"),
    "container_start_time_seconds": ("gauge", "Start time of the container since unix epoch in seconds"),
    "node_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed by the node in core-seconds"),
    "node_memory_working_set_bytes": ("gauge", "Current working set of the node in bytes"),
    "node_swap_usage_bytes": ("gauge", "Current swap usage of the node in bytes. Reported only on non-windows systems"),
    "pod_cpu_usage_seconds_total": ("counter", "Cumulative cpu time consumed by the pod in core-seconds"),
    "pod_memory_working_set_bytes": ("gauge", "Current working set of the pod in bytes"),
    "resource_scrape_error": ("gauge", "1 if there was an error while getting container metrics, 0 otherwise"),
}

_ALPHA = ("node_swap_usage_bytes",)
_UNTIMED = ("container_start_time_seconds", "resource_scrape_error")
"""What is true whenever it is asked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a metric, and when it was measured."""

    labels: Mapping[str, str]
    value: float
    time: datetime


def render(node: NodeUsage, containers: Sequence[ContainerStats], started: Mapping[str, float]) -> str:
    """The page; `started` is the start time of each container by id, in seconds of the epoch."""
    rows: dict[str, list[Row]] = {name: [] for name in _HELP}

    def note(name: str, labels: Mapping[str, str], value: float, time: datetime) -> None:
        rows[name].append(Row(labels, value, time))

    pods: dict[tuple[str, str], list[ContainerStats]] = {}
    for stats in sorted(containers, key=_place):
        name, namespace, pod = _place(stats)
        pods.setdefault((namespace, pod), []).append(stats)
        labels = {"container": name, "namespace": namespace, "pod": pod}
        note("container_cpu_usage_seconds_total", labels, stats.cpu_nanoseconds / 1e9, stats.time)
        note("container_memory_working_set_bytes", labels, stats.memory_working_set, stats.time)
        if stats.id in started:
            note("container_start_time_seconds", labels, started[stats.id], stats.time)
    for (namespace, pod), found in sorted(pods.items()):
        labels, time = {"namespace": namespace, "pod": pod}, max(each.time for each in found)
        note("pod_cpu_usage_seconds_total", labels, sum(each.cpu_nanoseconds for each in found) / 1e9, time)
        note("pod_memory_working_set_bytes", labels, sum(each.memory_working_set for each in found), time)
    note("node_cpu_usage_seconds_total", {}, node.cpu_nanoseconds / 1e9, node.time)
    note("node_memory_working_set_bytes", {}, node.memory.working_set, node.time)
    note("node_swap_usage_bytes", {}, node.memory.swap_usage, node.time)
    note("resource_scrape_error", {}, 0, node.time)
    return "".join(_family(name, rows[name]) for name in _HELP if rows[name])


def _place(stats: ContainerStats) -> tuple[str, str, str]:
    """Container, namespace and pod: the order of the page."""
    return stats.name, stats.labels.get(naming.POD_NAMESPACE, ""), stats.labels.get(naming.POD_NAME, "")


def _family(name: str, rows: Sequence[Row]) -> str:
    kind, words = _HELP[name]
    stage = "ALPHA" if name in _ALPHA else "STABLE"
    lines = [f"# HELP {name} [{stage}] {words}", f"# TYPE {name} {kind}"]
    for row in rows:
        timed = "" if name in _UNTIMED else f" {round(row.time.timestamp() * 1000)}"
        lines.append(f"{name}{_labels(row.labels)} {format_float(float(row.value))}{timed}")
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""
