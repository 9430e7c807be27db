"""CronJobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from cloudk8s.api.field_errors import invalid, not_supported, required
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_non_negative, check_supported
from cloudk8s.api.validation.workloads.job import check_job_spec
from cloudk8s.machinery.cron import CronError, parse

NAME_MAX: Final = 52
_ZONE_PART: Final = re.compile(r"[A-Za-z.\-_0-9+]{1,14}", re.ASCII)


def check_cron_job_spec(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
    _check_schedule(errors, spec, old)
    check_non_negative(errors, "spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    zone = spec.get("timeZone")
    if zone is not None and (old is None or old.get("timeZone") != zone):
        _check_zone(errors, "spec.timeZone", zone)
    check_supported(errors, "spec.concurrencyPolicy", spec.get("concurrencyPolicy"), ["Allow", "Forbid", "Replace"])
    _check_job_template(errors, "spec.jobTemplate.spec", (spec.get("jobTemplate") or {}).get("spec") or {})
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        check_non_negative(errors, f"spec.{field}", spec.get(field))


def check_cron_job_name(errors: Errors, name: str) -> None:
    """Its Jobs' names are longer: they end with a time."""
    if len(name) > NAME_MAX:
        errors.append(invalid("metadata.name", name, f"must be no more than {NAME_MAX} characters"))


def _check_schedule(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
    schedule = spec.get("schedule")
    if not schedule:
        errors.append(required("spec.schedule"))
        return
    try:
        parse(schedule)
    except CronError as error:
        errors.append(invalid("spec.schedule", schedule, str(error)))
    if "TZ" not in schedule:
        return
    if "TZ" not in ((old or {}).get("schedule") or ""):
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        errors.append(invalid("spec.schedule", schedule, text))
    elif spec.get("timeZone") is not None:
        text = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        errors.append(invalid("spec.schedule", schedule, text))


def _check_zone(errors: Errors, path: str, zone: str) -> None:
    if not zone:
        errors.append(invalid(path, zone, "timeZone must be nil or non-empty string"))
        return
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part):
            errors.append(invalid(path, zone, f"unknown time zone {zone}"))
            return
    if zone.lower() == "local":
        text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        errors.append(invalid(path, zone, text))
    if zone != "Local" and not _is_known(zone):
        errors.append(invalid(path, zone, f"unknown time zone {zone}"))


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        return False
    return True


def _check_job_template(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    check_job_spec(errors, path, spec)
    if (selector := spec.get("selector")) is not None:
        shown = go_json(selector, "LabelSelector")
        errors.append(invalid(f"{path}.selector", shown, "`selector` will be auto-generated"))
    if spec.get("manualSelector"):
        errors.append(not_supported(f"{path}.manualSelector", True, ["nil", "false"]))
