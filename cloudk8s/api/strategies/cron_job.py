"""CronJobs."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.strategies.job import default_failure_policy
from cloudk8s.api.strategies.pod.defaults import default_pod_template


class CronJobStrategy(SpecStatusStrategy):
    """The CronJob kind: its Job template gets no Job defaults, only those of a pod template."""

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
        spec.setdefault("suspend", False)
        spec.setdefault("successfulJobsHistoryLimit", 3)
        spec.setdefault("failedJobsHistoryLimit", 1)
        job = spec.setdefault("jobTemplate", {})
        job.setdefault("metadata", {})
        job_spec = job.setdefault("spec", {})
        default_pod_template(job_spec.setdefault("template", {}))
        default_failure_policy(job_spec.get("podFailurePolicy"))
        self.default_status(obj)
