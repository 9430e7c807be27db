"""CronJobs."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.strategies.job import default_failure_policy
from cloudk8s.api.strategies.pod.defaults import default_pod_template
from cloudk8s.api.strategies.workload import host_name_warnings, template_warnings
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.workloads.cron_job import check_cron_job_name, check_cron_job_spec

_ZONE: Final = (
    "spec.schedule: TZ or CRON_TZ used in spec.schedule is not officially supported, "
    "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
)


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

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_cron_job_spec(errors, obj["spec"], None)
        check_cron_job_name(errors, obj["metadata"].get("name") or "")
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        check_cron_job_spec(errors, new["spec"], old["spec"])
        return errors

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        if old is not None and new["metadata"].get("generation") == old["metadata"].get("generation"):
            return []
        warnings = [] if old is not None else host_name_warnings(new)
        spec = new["spec"]
        job_spec = (spec.get("jobTemplate") or {}).get("spec") or {}
        warnings += template_warnings(job_spec.get("template") or {}, "spec.jobTemplate.spec.template.")
        if "TZ" in (spec.get("schedule") or ""):
            warnings.append(_ZONE)
        return warnings
