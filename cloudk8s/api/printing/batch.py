"""Jobs, cron jobs and autoscalers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import AGE, CONTAINERS, IMAGES, NAME, NONE, SELECTOR, UNKNOWN, UNSET, Heading, Layout
from cloudk8s.api.printing.text import age_of, containers_of, name_of, selector_text, since, yes_no
from cloudk8s.api.resource import Object
from cloudk8s.machinery.times import human_duration, parse_time


def _job(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    return [
        name_of(obj),
        _job_state(obj),
        _completions(spec, status),
        _duration(status, now),
        age_of(obj, now),
        *containers_of((spec.get("template") or {}).get("spec") or {}),
        selector_text(spec.get("selector")),
    ]


def _job_state(obj: Object) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or []
    true = {item["type"] for item in conditions if item.get("status") == "True"}
    for name in ("Complete", "Failed"):
        if name in true:
            return name
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for name, text in (("Suspended", "Suspended"), ("FailureTarget", "FailureTarget")):
        if name in true:
            return text
    return "SuccessCriteriaMet" if "SuccessCriteriaMet" in true else "Running"


def _completions(spec: Object, status: Object) -> str:
    succeeded = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism", 0) or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(status: Object, now: datetime) -> str:
    if not status.get("startTime"):
        return ""
    end = parse_time(status["completionTime"]) if status.get("completionTime") else now
    return human_duration(end - parse_time(status["startTime"]))


def _cron_job(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    last = status.get("lastScheduleTime")
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    return [
        name_of(obj),
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        yes_no(bool(spec.get("suspend"))),
        len(status.get("active") or []),
        since(last, now) if last else NONE,
        age_of(obj, now),
        *containers_of((job.get("template") or {}).get("spec") or {}),
        selector_text(job.get("selector")),
    ]


def _autoscaler(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    target = spec["scaleTargetRef"]
    low = spec.get("minReplicas")
    return [
        name_of(obj),
        f"{target['kind']}/{target['name']}",
        _targets(obj),
        UNSET if low is None else str(low),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age_of(obj, now),
    ]


def _targets(obj: Object) -> str:
    """The metrics of an autoscaling/v2 (or v1) object, the first two and how many more."""
    spec, status = obj["spec"], obj.get("status") or {}
    if "targetCPUUtilizationPercentage" in spec or "currentCPUUtilizationPercentage" in status:
        current = status.get("currentCPUUtilizationPercentage")
        text = UNKNOWN if current is None else f"{current}%"
        return f"cpu: {text}/{spec.get('targetCPUUtilizationPercentage', UNKNOWN)}%"
    metrics, current = spec.get("metrics") or [], status.get("currentMetrics") or []
    texts = [_target(metric, current[index] if index < len(current) else {}) for index, metric in enumerate(metrics)]
    if not texts:
        return NONE
    return ", ".join(texts[:2]) + (f" + {len(texts) - 2} more..." if len(texts) > 2 else "")


def _target(metric: Object, current: Object) -> str:
    kind = metric["type"]
    field = {"ContainerResource": "containerResource"}.get(kind, kind[0].lower() + kind[1:])
    source, now = metric.get(field) or {}, (current.get(field) or {}).get("current") or {}
    target = source.get("target") or {}
    if kind in ("Resource", "ContainerResource"):
        name = source.get("name", "")
        prefix = f"{name}: "
        if target.get("averageValue") is not None:
            return f"{prefix}{now.get('averageValue', UNKNOWN)}/{target['averageValue']}"
        used = now.get("averageUtilization")
        wanted = target.get("averageUtilization")
        return f"{prefix}{UNKNOWN if used is None else f'{used}%'}/{'<auto>' if wanted is None else f'{wanted}%'}"
    if target.get("averageValue") is not None:
        suffix = "" if kind == "Pods" else " (avg)"
        return f"{now.get('averageValue', UNKNOWN)}/{target['averageValue']}{suffix}"
    return f"{now.get('value', UNKNOWN)}/{target.get('value', UNKNOWN)}"


_AUTOSCALER_LAYOUT: Final = Layout(
    (
        NAME,
        Heading("Reference", "spec.scaleTargetRef"),
        Heading("Targets", "spec.metrics"),
        Heading("MinPods", "spec.minReplicas"),
        Heading("MaxPods", "spec.maxReplicas"),
        Heading("Replicas", "status.currentReplicas"),
        AGE,
    ),
    _autoscaler,
)

TABLE: Final = {
    ("batch", "jobs"): Layout(
        (
            NAME,
            Heading("Status", "=Status of the job."),
            Heading("Completions", "status.succeeded"),
            Heading("Duration", "=Time required to complete the job."),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ),
        _job,
    ),
    ("batch", "cronjobs"): Layout(
        (
            NAME,
            Heading("Schedule", "spec.schedule"),
            Heading("Timezone", "spec.timeZone"),
            Heading("Suspend", "spec.suspend", "boolean"),
            Heading("Active", "status.active", "integer"),
            Heading("Last Schedule", "status.lastScheduleTime"),
            AGE,
            CONTAINERS,
            IMAGES,
            Heading("Selector", "spec.jobTemplate.spec.selector", priority=1),
        ),
        _cron_job,
    ),
    ("autoscaling", "horizontalpodautoscalers"): _AUTOSCALER_LAYOUT,
}
