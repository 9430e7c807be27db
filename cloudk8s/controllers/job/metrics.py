"""What the Job controller counts, under upstream's names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, is_true, spec_of
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Instruments, exponential

_RECONCILING = "reconciling"


class JobMetrics:
    """Syncs and Jobs that have ended."""

    def __init__(self, instruments: Instruments, clock: Clock) -> None:
        self._clock = clock
        labels = ("completion_mode", "result", "action")
        self._took = instruments.histogram(
            "job_controller_job_sync_duration_seconds",
            "The time it took to sync a job",
            exponential(0.004, 2, 15),
            labels,
            stage="STABLE",
        )
        instruments.counter(
            "job_controller_job_syncs_total", "The number of job syncs", labels, stage="STABLE"
        ).read_from(lambda: {at: series.count for at, series in self._took.series.items()})
        self._finished = instruments.counter(
            "job_controller_jobs_finished_total",
            "The number of finished jobs",
            ("completion_mode", "result", "reason"),
            stage="STABLE",
        )

    @contextmanager
    def syncing(self, job: Object) -> Iterator[None]:
        """Measure one sync."""
        began, result = self._clock.monotonic(), "error"
        try:
            yield
            result = "success"
        finally:
            self._took.of(_mode(job), result, _RECONCILING).observe(self._clock.monotonic() - began)

    def finished(self, job: Object) -> None:
        """A Job has ended."""
        has_failed = is_true(job, "Failed")
        reason = (condition(job, "Failed" if has_failed else "Complete") or {}).get("reason", "")
        self._finished.add(_mode(job), "failed" if has_failed else "succeeded", reason)


def _mode(job: Object) -> str:
    return str(spec_of(job).get("completionMode") or "NonIndexed")
