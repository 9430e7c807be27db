"""Jobs, as they are created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, not_supported, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.pod.template import check_pod_template
from cloudk8s.api.validation.selectors import check_label_selector, is_valid_label_selector, matches
from cloudk8s.api.validation.values import Errors, check_domain_prefixed_path, check_non_negative
from cloudk8s.api.validation.workloads.job_policies import (
    check_failure_policy,
    check_replacement,
    check_success_policy,
)
from cloudk8s.api.validation.workloads.selection import check_template_selected

_INDEXED_LIMIT: Final = 100_000
"""Of parallelism and of failed indexes, for indexed Jobs."""
_MANY_COMPLETIONS: Final = 100_000
_MANY_LIMIT: Final = 10_000
"""Of parallelism and of failed indexes, for indexed Jobs with many completions and a backoff limit per index."""
_MANAGED_BY_BYTES: Final = 63
_NOT_INDEXED: Final = "requires indexed completion mode"
_COUNTS: Final = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
    "backoffLimitPerIndex", "maxFailedIndexes",
)  # fmt: skip


def check_job(errors: Errors, job: Mapping[str, Any]) -> None:
    """All but metadata."""
    _check_generated_selector(errors, job)
    check_selected_job_spec(errors, "spec", job["spec"])
    spec, name = job["spec"], job["metadata"].get("name") or ""
    if spec.get("completionMode") == "Indexed" and (spec.get("completions") or 0) > 0:
        host = f"{name}-{spec['completions'] - 1}"
        if names.dns_label(host):
            text = f"will not able to create pod with invalid DNS label: {host}"
            errors.append(invalid("metadata.name", name, text))


def check_selected_job_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    """The spec of a Job, with its selector."""
    check_job_spec(errors, path, spec)
    selector = spec.get("selector")
    if selector is None:
        errors.append(required(f"{path}.selector"))
    else:
        check_label_selector(errors, f"{path}.selector", selector)
    if is_valid_label_selector(selector):
        check_template_selected(errors, f"{path}.template", spec.get("template") or {}, selector)


def check_job_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    """The spec of a Job, or of a template for Jobs, which has no selector."""
    for field in _COUNTS:
        check_non_negative(errors, f"{path}.{field}", spec.get(field))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errors.append(required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    if (manager := spec.get("managedBy")) is not None:
        check_domain_prefixed_path(errors, f"{path}.managedBy", manager)
        if len(manager.encode()) > _MANAGED_BY_BYTES:
            errors.append(too_long(f"{path}.managedBy", _MANAGED_BY_BYTES))
    _check_completion_mode(errors, path, spec)
    if spec.get("podFailurePolicy") is not None:
        check_failure_policy(errors, f"{path}.podFailurePolicy", spec)
    check_success_policy(errors, f"{path}.successPolicy", spec)
    check_replacement(errors, f"{path}.podReplacementPolicy", spec)
    check_pod_template(errors, f"{path}.template", spec.get("template") or {})
    _check_restart_policy(errors, f"{path}.template.spec.restartPolicy", spec)


def _check_completion_mode(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    mode = spec.get("completionMode")
    if mode == "Indexed":
        _check_indexed(errors, path, spec)
    elif mode is None or mode == "NonIndexed":
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if (value := spec.get(field)) is not None:
                errors.append(invalid(f"{path}.{field}", value, _NOT_INDEXED))
    else:
        errors.append(not_supported(f"{path}.completionMode", mode, ["NonIndexed", "Indexed"]))


def _check_indexed(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    failed = spec.get("maxFailedIndexes")
    if completions is None:
        errors.append(required(f"{path}.completions", "when completion mode is Indexed"))
    if parallelism > _INDEXED_LIMIT:
        text = f"must be less than or equal to {_INDEXED_LIMIT} when completion mode is Indexed"
        errors.append(invalid(f"{path}.parallelism", parallelism, text))
    if failed is not None and completions is not None and failed > completions:
        errors.append(invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions"))
    if failed is not None and failed > _INDEXED_LIMIT:
        errors.append(invalid(f"{path}.maxFailedIndexes", failed, f"must be less than or equal to {_INDEXED_LIMIT}"))
    if completions is None or completions <= _MANY_COMPLETIONS or spec.get("backoffLimitPerIndex") is None:
        return
    if failed is None:
        text = f"must be specified when completions is above {_MANY_COMPLETIONS}"
        errors.append(required(f"{path}.maxFailedIndexes", text))
    text = (
        f"must be less than or equal to {_MANY_LIMIT} when completions are above {_MANY_COMPLETIONS} "
        "and used with backoff limit per index"
    )
    if parallelism > _MANY_LIMIT:
        errors.append(invalid(f"{path}.parallelism", parallelism, text))
    if failed is not None and failed > _MANY_LIMIT:
        errors.append(invalid(f"{path}.maxFailedIndexes", failed, text))


def _check_restart_policy(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or ""
    if policy in ("", "Always"):
        errors.append(required(path, 'valid values: "OnFailure", "Never"'))
    elif policy not in ("OnFailure", "Never"):
        errors.append(not_supported(path, policy, ["OnFailure", "Never"]))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        errors.append(invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified'))


def _check_generated_selector(errors: Errors, job: Mapping[str, Any]) -> None:
    """The selector and the labels that `prepare` made are as they should be."""
    spec, meta = job["spec"], job["metadata"]
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return
    uid, name = meta.get("uid") or "", meta.get("name") or ""
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    expected = {
        "controller-uid": uid,
        "job-name": name,
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
    }
    for key, wanted in expected.items():
        _check_has_label(errors, "spec.template.metadata", labels, key, wanted)
    if is_valid_label_selector(selector) and not matches(selector, expected):
        errors.append(invalid("spec.selector", go_json(selector, "LabelSelector"), "`selector` not auto-generated"))


def _check_has_label(errors: Errors, path: str, labels: Mapping[str, str], key: str, wanted: str) -> None:
    if key not in labels:
        errors.append(required(f"{path}.labels[{key}]", f"must be '{wanted}'"))
    elif labels[key] != wanted:
        errors.append(invalid(f"{path}.labels[{key}]", labels[key], f"must be '{wanted}'"))
