"""What the scheduler counts, under upstream's names.

What happens to a pod is counted for every pod. How long plugins take is measured in one attempt of `SAMPLE` only, and
for all nodes at once where upstream's filters and scores look at one after the other.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from typing import Final

from cloudk8s.machinery.instruments import Instruments, exponential

SAMPLE: Final = 50
SCHEDULED: Final = "scheduled"
UNSCHEDULABLE: Final = "unschedulable"
ERROR: Final = "error"
_MANY: Final = 15
"""From this many attempts on they are not told apart."""
_SPOKEN: Final = tuple(map(str, range(_MANY)))
_ATTEMPT: Final = exponential(0.001, 2, 15)


class SchedulerMetrics:
    """The instruments of one scheduler."""

    def __init__(self, instruments: Instruments) -> None:
        made = instruments.histogram
        instruments.counter(
            "scheduler_schedule_attempts_total",
            "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, "
            "while 'error' means an internal scheduler problem.",
            ("profile", "result"),
            stage="STABLE",
        ).read_from(lambda: {labels: series.count for labels, series in self._durations.series.items()})
        self._durations = made(
            "scheduler_scheduling_attempt_duration_seconds",
            "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
            _ATTEMPT,
            ("profile", "result"),
            stage="STABLE",
        )
        self.algorithm = made(
            "scheduler_scheduling_algorithm_duration_seconds", "Scheduling algorithm latency in seconds", _ATTEMPT
        ).of()
        self._objective = made(
            "scheduler_pod_scheduling_sli_duration_seconds",
            "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might "
            "involve multiple scheduling attempts.",
            exponential(0.01, 2, 20),
            ("attempts",),
            stage="BETA",
        )
        self._needed = made(
            "scheduler_pod_scheduling_attempts",
            "Number of attempts to successfully schedule a pod.",
            exponential(1, 2, 5),
            stage="STABLE",
        ).of()
        self.incoming = instruments.counter(
            "scheduler_queue_incoming_pods_total",
            "Number of pods added to scheduling queues by event and queue type.",
            ("event", "queue"),
            stage="STABLE",
        )
        self.pending = instruments.gauge(
            "scheduler_pending_pods", "Number of pending pods, by the queue type.", ("queue",), stage="STABLE"
        )
        self.unschedulable = instruments.gauge(
            "scheduler_unschedulable_pods",
            "The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all "
            "plugins that caused it to not schedule.",
            ("plugin", "profile"),
        )
        self.cache = instruments.gauge(
            "scheduler_cache_size", "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.", ("type",)
        )
        self.preemptions = instruments.counter(
            "scheduler_preemption_attempts_total", "Total preemption attempts in the cluster till now", stage="STABLE"
        )
        self.victims = made(
            "scheduler_preemption_victims",
            "Number of selected preemption victims",
            exponential(1, 2, 7),
            stage="STABLE",
        ).of()
        self.points = made(
            "scheduler_framework_extension_point_duration_seconds",
            "Latency for running all plugins of a specific extension point.",
            exponential(0.0001, 2, 12),
            ("extension_point", "profile", "status"),
            stage="STABLE",
        )
        self.plugins = made(
            "scheduler_plugin_execution_duration_seconds",
            "Duration for running a plugin at a specific extension point.",
            exponential(0.00001, 1.5, 20),
            ("extension_point", "plugin", "status"),
        )
        self.permits = made(
            "scheduler_permit_wait_duration_seconds",
            "Duration of waiting on permit.",
            exponential(0.001, 2, 15),
            ("result",),
        )

    def attempted(self, profile: str, result: str, seconds: float) -> None:
        """An attempt ended, the binding included, so long after it began."""
        self._durations.of(profile, result).observe(seconds)

    def scheduled(self, attempts: int, seconds: float) -> None:
        """A pod was bound, so long after it was first tried."""
        self._objective.of(_SPOKEN[attempts] if attempts < _MANY else f"{_MANY}+").observe(seconds)
        self._needed.observe(attempts)
