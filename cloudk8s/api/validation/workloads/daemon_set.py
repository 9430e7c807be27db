"""DaemonSets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.validation.selectors import check_label_selector, is_valid_label_selector
from cloudk8s.api.validation.values import Errors, check_non_negative
from cloudk8s.api.validation.workloads.counts import check_collisions, check_counts
from cloudk8s.api.validation.workloads.rollout import check_daemon_set_strategy
from cloudk8s.api.validation.workloads.selection import (
    check_lasting_template,
    check_not_empty,
    check_template_selected,
)

_COUNTS: Final = (
    "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
    "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount",
)  # fmt: skip


def check_daemon_set_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    selector, template = spec.get("selector"), spec.get("template") or {}
    check_label_selector(errors, f"{path}.selector", selector)
    if is_valid_label_selector(selector):
        check_template_selected(errors, f"{path}.template", template, selector)
    check_not_empty(errors, f"{path}.selector", selector, "daemonset")
    check_lasting_template(errors, f"{path}.template", template, "DaemonSet")
    check_non_negative(errors, f"{path}.minReadySeconds", spec.get("minReadySeconds"))
    check_daemon_set_strategy(errors, f"{path}.updateStrategy", spec.get("updateStrategy") or {})
    check_non_negative(errors, f"{path}.revisionHistoryLimit", spec.get("revisionHistoryLimit"))


def check_daemon_set_status(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    check_counts(errors, "status", new.get("status") or {}, _COUNTS)
    check_collisions(errors, new, old)
