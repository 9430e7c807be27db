"""Jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.features import FeatureGates
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import give_name
from cloudk8s.api.strategies.workload import WorkloadStrategy, default_labels
from cloudk8s.api.validation.workloads.job import check_job, check_selected_job_spec
from cloudk8s.api.validation.workloads.job_status import check_job_status
from cloudk8s.api.validation.workloads.job_update import check_job_changes
from cloudk8s.machinery import go_text

UID_LABEL = "batch.kubernetes.io/controller-uid"
NAME_LABEL = "batch.kubernetes.io/job-name"
LEGACY_UID_LABEL = "controller-uid"
LEGACY_NAME_LABEL = "job-name"
_MAX_INT32 = 2**31 - 1


class JobStrategy(WorkloadStrategy):
    """The Job kind: its selector is generated from its uid unless it is set by hand."""

    def __init__(self, features: FeatureGates) -> None:
        self._has_replacement_policy = features.is_on("JobPodReplacementPolicy")
        self._has_other_managers = features.is_on("JobManagedBy")

    checks_updates_as_new = True

    def default_spec(self, obj: Object, spec: Object) -> None:
        completions_unset = spec.get("completions") is None
        if completions_unset and spec.get("parallelism") is None:
            spec["completions"] = spec["parallelism"] = 1
        spec.setdefault("parallelism", 1)
        if spec.get("backoffLimit") is None:
            spec["backoffLimit"] = 6 if spec.get("backoffLimitPerIndex") is None else _MAX_INT32
        spec.setdefault("completionMode", "NonIndexed")
        spec.setdefault("suspend", False)
        spec.setdefault("manualSelector", False)
        if self._has_replacement_policy:
            policy = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
            spec.setdefault("podReplacementPolicy", policy)
        default_failure_policy(spec.get("podFailurePolicy"))
        template = spec.setdefault("template", {})
        template.setdefault("metadata", {})
        default_labels(obj, template)

    def prepare_create(self, obj: Object) -> None:
        """Needs `metadata.uid`; names the Job if need be: the generated selector and labels are made from both."""
        super().prepare_create(obj)
        give_name(obj["metadata"])
        if not obj["spec"].get("manualSelector"):
            generate_selector(obj)
            default_labels(obj, obj["spec"]["template"])

    def check_metadata(self, obj: Object) -> list[FieldError]:
        """Labels that the Job has from its template are checked there."""
        meta = obj["metadata"]
        if meta.get("labels") == (obj["spec"]["template"].get("metadata") or {}).get("labels"):
            obj = {**obj, "metadata": {**meta, "labels": None}}
        return super().check_metadata(obj)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_selected_job_spec(errors, "spec", obj["spec"])

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_job(errors, obj)
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_job_changes(errors, new, old)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_job_status(errors, new, old, is_strict=self._has_other_managers)

    def unknown_field(self, label: str) -> str:
        return f"field label {go_text.quote(label)} not supported for batchv1.Job"

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.successful": str((obj.get("status") or {}).get("succeeded", 0))}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"status.successful"})


def default_failure_policy(policy: dict[str, Any] | None) -> None:
    for rule in (policy or {}).get("rules") or ():
        for condition in rule.get("onPodConditions") or ():
            if not condition.get("status"):
                condition["status"] = "True"


def generate_selector(job: Object) -> None:
    """Labels and a selector that no other Job's pods match; labels that the template had are kept."""
    meta, spec = job["metadata"], job["spec"]
    uid, name = meta.get("uid", ""), meta.get("name", "")
    template = spec["template"].setdefault("metadata", {})
    labels = dict(template.get("labels") or {})
    wanted = {LEGACY_NAME_LABEL: name, NAME_LABEL: name, LEGACY_UID_LABEL: uid, UID_LABEL: uid}
    template["labels"] = {**wanted, **labels}
    selector = dict(spec.get("selector") or {})
    matched = dict(selector.get("matchLabels") or {})
    matched.setdefault(UID_LABEL, uid)
    selector["matchLabels"] = matched
    spec["selector"] = selector
