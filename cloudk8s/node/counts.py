"""What the agent counts of its own work, under the names that upstream's kubelet has for it.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from cloudk8s.machinery.exposition import Family

ContainerType = Literal["container", "init_container", "ephemeral_container"]
ProbeResult = Literal["successful", "failed", "unknown"]
_OPERATION_BOUNDS: Final = (0.005, 0.0125, 0.03125, 0.078125, 0.1953125, 0.48828125, 1.220703125, 3.0517578125,
                            7.62939453125, 19.073486328125, 47.6837158203125, 119.20928955078125, 298.0232238769531,
                            745.0580596923828)  # fmt: skip
_START_BOUNDS: Final = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200,
                        1800, 2700, 3600)  # fmt: skip


class ProbeKey(NamedTuple):
    """One series of the probes' counter."""

    kind: str
    result: ProbeResult
    container: str
    pod: str
    namespace: str
    pod_uid: str


class Durations:
    """How long something took, in buckets."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds, self.total = bounds, 0.0
        self.counts = [0] * (len(bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class AgentCounts:
    """Counted since the agent started; its parts are changed by those whose work is counted."""

    started_pods: int = 0
    """Attempts, as with upstream, of which some fail; of containers too."""
    failed_pods: int = 0
    started_containers: Counter[ContainerType] = field(default_factory=Counter)
    failed_containers: Counter[tuple[ContainerType, str]] = field(default_factory=Counter)
    """By type and reason."""
    probes: Counter[ProbeKey] = field(default_factory=Counter)
    pod_starts: Durations = field(default_factory=lambda: Durations(_START_BOUNDS))
    """From when a pod was seen first until it was Running."""
    operations: dict[str, Durations] = field(default_factory=dict)
    """Calls of the runtime, by upstream's names."""
    failed_operations: Counter[str] = field(default_factory=Counter)

    def operation(self, name: str, seconds: float, *, has_failed: bool) -> None:
        """Count a call of the runtime."""
        self.operations.setdefault(name, Durations(_OPERATION_BOUNDS)).observe(seconds)
        if has_failed:
            self.failed_operations[name] += 1

    def forget_pod(self, uid: str) -> None:
        """Drop the series of a pod that is gone."""
        for key in [key for key in self.probes if key.pod_uid == uid]:
            del self.probes[key]

    def families(self) -> Sequence[Family]:
        """All but the probes, which have a page of their own."""
        return (*self._starts(), *self._operations())

    def probe_families(self) -> Sequence[Family]:
        """The page `/metrics/probes`."""
        words = "Cumulative number of a liveness, readiness or startup probe for a container by result."
        found = Family("prober_probe_total", "counter", words, "BETA")
        for key, count in sorted(self.probes.items()):
            labels = {"container": key.container, "namespace": key.namespace, "pod": key.pod, "pod_uid": key.pod_uid}
            found.add({**labels, "probe_type": key.kind.capitalize(), "result": key.result}, count)
        return [found]

    def _starts(self) -> Sequence[Family]:
        pods = Family("kubelet_started_pods_total", "counter", "Cumulative number of pods started", "BETA")
        pods.add({}, self.started_pods)
        words = "Cumulative number of errors when starting pods"
        failed_pods = Family("kubelet_started_pods_errors_total", "counter", words, "ALPHA")
        failed_pods.add({}, self.failed_pods)
        words = "Cumulative number of containers started"
        containers = Family("kubelet_started_containers_total", "counter", words, "BETA")
        for kind, count in sorted(self.started_containers.items()):
            containers.add({"container_type": kind}, count)
        words = "Cumulative number of errors when starting containers"
        failed = Family("kubelet_started_containers_errors_total", "counter", words, "ALPHA")
        for (kind, code), count in sorted(self.failed_containers.items()):
            failed.add({"code": code, "container_type": kind}, count)
        words = "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run"
        starts = Family("kubelet_pod_start_duration_seconds", "histogram", words, "ALPHA")
        starts.add_histogram({}, self.pod_starts.bounds, self.pod_starts.counts, self.pod_starts.total)
        return pods, failed_pods, containers, failed, starts

    def _operations(self) -> Sequence[Family]:
        words = "Cumulative number of runtime operations by operation type."
        calls = Family("kubelet_runtime_operations_total", "counter", words, "BETA")
        words = "Cumulative number of runtime operation errors by operation type."
        failed = Family("kubelet_runtime_operations_errors_total", "counter", words, "BETA")
        words = "Duration in seconds of runtime operations. Broken down by operation type."
        seconds = Family("kubelet_runtime_operations_duration_seconds", "histogram", words, "ALPHA")
        for name, durations in sorted(self.operations.items()):
            labels = {"operation_type": name}
            calls.add(labels, sum(durations.counts))
            seconds.add_histogram(labels, durations.bounds, durations.counts, durations.total)
            if name in self.failed_operations:
                failed.add(labels, self.failed_operations[name])
        return calls, seconds, failed
