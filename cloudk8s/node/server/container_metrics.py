"""`/metrics/cadvisor`: containers in the words that dashboards and alerts of Kubernetes clusters are written in. Pure.

As cAdvisor does, a pod as a whole has an empty `container`, and the machine has the id `/`.

https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, uid_of
from cloudk8s.machinery.exposition import Family, names, page
from cloudk8s.machinery.quantity import parse
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.status.qos import qos_class
from cloudk8s.node.runtimes.interface import Container, ContainerStats, NetworkStats
from cloudk8s.node.server.usage import NodeUsage

_PERIOD: Final = 100_000
"""Microseconds over which a limit of CPU holds."""


@dataclass(frozen=True, slots=True)
class PodFigures:
    """One pod that runs; `containers` are those of the runtime by id."""

    pod: Object
    stats: Sequence[ContainerStats]
    containers: Mapping[str, Container] = field(default_factory=dict)
    networks: Sequence[NetworkStats] = ()


def render(node: NodeUsage, cores: int, memory_bytes: int, figures: Sequence[PodFigures]) -> str:
    """The page."""
    families = _families()
    found = names(families)
    _machine(found, node, cores, memory_bytes)
    for each in sorted(figures, key=lambda each: (namespace_of(each.pod), name_of(each.pod))):
        _pod(found, node, each)
    return page(families)


def _machine(found: Mapping[str, Family], node: NodeUsage, cores: int, memory_bytes: int) -> None:
    whole = {"container": "", "id": "/", "image": "", "name": "", "namespace": "", "pod": ""}
    found["container_cpu_usage_seconds_total"].add(whole | {"cpu": "total"}, node.cpu_nanoseconds / 1e9, node.time)
    found["container_memory_working_set_bytes"].add(whole, node.memory.working_set, node.time)
    found["container_memory_usage_bytes"].add(whole, node.memory.usage, node.time)
    found["container_memory_rss"].add(whole, node.memory.rss, node.time)
    _network(found, whole, node.networks, node)
    found["machine_cpu_cores"].add({}, cores)
    found["machine_memory_bytes"].add({}, memory_bytes)


def _pod(found: Mapping[str, Family], node: NodeUsage, figures: PodFigures) -> None:
    pod = figures.pod
    place = f"/kubepods/{qos_class(pod).lower()}/pod{uid_of(pod)}"
    whole = {
        "container": "", "id": place, "image": "", "name": "", "namespace": namespace_of(pod), "pod": name_of(pod),
    }  # fmt: skip
    for stats in sorted(figures.stats, key=lambda stats: stats.name):
        known = figures.containers.get(stats.id)
        more = {"container": stats.name, "id": f"{place}/{stats.id}", "image": known.image if known else ""}
        labels = whole | more | {"name": stats.id}
        _container(found, labels, stats)
        if known is not None and known.started_at is not None:
            found["container_start_time_seconds"].add(labels, known.started_at.timestamp(), stats.time)
        _limits(found, labels, pods.find_container(pod, stats.name) or {})
    for name, attribute, unit in _SUMMED:
        labels = whole | ({"cpu": "total"} if name == "container_cpu_usage_seconds_total" else {})
        found[name].add(labels, sum(getattr(stats, attribute) for stats in figures.stats) / unit, node.time)
    _network(found, whole, figures.networks, node)


_SUMMED: Final = (
    ("container_cpu_usage_seconds_total", "cpu_nanoseconds", 1e9),
    ("container_memory_working_set_bytes", "memory_working_set", 1),
    ("container_memory_usage_bytes", "memory_usage", 1),
    ("container_memory_rss", "memory_rss", 1),
)
"""What a pod has the sum of: name, attribute and unit."""


def _container(found: Mapping[str, Family], labels: Mapping[str, str], stats: ContainerStats) -> None:
    for name, attribute, unit in _SUMMED:
        given = {**labels, "cpu": "total"} if name == "container_cpu_usage_seconds_total" else labels
        found[name].add(given, getattr(stats, attribute) / unit, stats.time)
    found["container_processes"].add(labels, stats.processes, stats.time)
    found["container_fs_usage_bytes"].add(labels, stats.writable_layer_bytes, stats.time)


def _limits(found: Mapping[str, Family], labels: Mapping[str, str], container: Mapping[str, Any]) -> None:
    limits = (container.get("resources") or {}).get("limits") or {}
    if "cpu" in limits:
        found["container_spec_cpu_period"].add(labels, _PERIOD)
        found["container_spec_cpu_quota"].add(labels, parse(limits["cpu"]).milli_value * _PERIOD // 1000)
    memory = parse(limits["memory"]).value if "memory" in limits else 0
    found["container_spec_memory_limit_bytes"].add(labels, memory)


def _network(
    found: Mapping[str, Family], labels: Mapping[str, str], networks: Sequence[NetworkStats], node: NodeUsage
) -> None:
    for network in networks:
        given = {**labels, "interface": network.interface}
        found["container_network_receive_bytes_total"].add(given, network.rx_bytes, node.time)
        found["container_network_receive_errors_total"].add(given, network.rx_errors, node.time)
        found["container_network_transmit_bytes_total"].add(given, network.tx_bytes, node.time)
        found["container_network_transmit_errors_total"].add(given, network.tx_errors, node.time)


def _families() -> list[Family]:
    return [
        Family("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds."),
        Family("container_fs_usage_bytes", "gauge", "Number of bytes that are consumed by the container's own files."),
        Family("container_memory_rss", "gauge", "Size of RSS in bytes."),
        Family("container_memory_usage_bytes", "gauge", "Current memory usage in bytes, all of it."),
        Family("container_memory_working_set_bytes", "gauge", "Current working set in bytes."),
        Family("container_network_receive_bytes_total", "counter", "Cumulative count of bytes received."),
        Family("container_network_receive_errors_total", "counter", "Cumulative count of errors while receiving."),
        Family("container_network_transmit_bytes_total", "counter", "Cumulative count of bytes transmitted."),
        Family("container_network_transmit_errors_total", "counter", "Cumulative count of errors while transmitting."),
        Family("container_processes", "gauge", "Number of processes running inside the container."),
        Family("container_spec_cpu_period", "gauge", "CPU period of the container."),
        Family("container_spec_cpu_quota", "gauge", "CPU quota of the container."),
        Family("container_spec_memory_limit_bytes", "gauge", "Memory limit of the container; 0 is none."),
        Family("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds."),
        Family("machine_cpu_cores", "gauge", "Number of logical CPU cores."),
        Family("machine_memory_bytes", "gauge", "Amount of memory installed on the machine."),
    ]
