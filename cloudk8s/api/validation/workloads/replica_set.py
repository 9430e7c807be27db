"""ReplicaSets and their ancestors, ReplicationControllers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import required
from cloudk8s.api.validation.values import Errors, check_non_negative
from cloudk8s.api.validation.workloads.counts import check_available, check_counts, check_parts
from cloudk8s.api.validation.workloads.deployment import check_selection
from cloudk8s.api.validation.workloads.selection import check_lasting_template, check_template_selected

_COUNTS: Final = (
    "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas",
    "observedGeneration",
)  # fmt: skip


def check_replica_set_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    check_non_negative(errors, f"{path}.replicas", spec.get("replicas"))
    check_non_negative(errors, f"{path}.minReadySeconds", spec.get("minReadySeconds"))
    check_selection(errors, path, spec)


def check_replication_controller_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    check_non_negative(errors, f"{path}.minReadySeconds", spec.get("minReadySeconds"))
    labels, template = spec.get("selector") or {}, spec.get("template")
    if not labels:
        errors.append(required(f"{path}.selector"))
    check_non_negative(errors, f"{path}.replicas", spec.get("replicas"))
    if template is None:
        errors.append(required(f"{path}.template"))
        return
    check_template_selected(errors, f"{path}.template", template, {"matchLabels": labels})
    check_lasting_template(errors, f"{path}.template", template, "ReplicationController")


def check_replica_status(errors: Errors, status: Mapping[str, Any]) -> None:
    check_counts(errors, "status", status, _COUNTS)
    check_parts(errors, "status", status, ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"))
    check_available(errors, "status", status, "cannot be greater than readyReplicas")
