"""The metrics of HorizontalPodAutoscalers, and what they are measured on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors, check_rule
from cloudk8s.machinery.quantity import parse

_SOURCES: Final = frozenset({"ContainerResource", "External", "Object", "Pods", "Resource"})
_TARGET_TYPES: Final = ("Utilization", "Value", "AverageValue")

Metric = Mapping[str, Any]


def check_target(errors: Errors, path: str, target: Mapping[str, Any], *, grouped: bool) -> None:
    """`grouped`: the core group will not do, except for replication controllers."""
    for field in ("kind", "name"):
        if value := target.get(field):
            check_rule(errors, f"{path}.{field}", value, names.path_segment)
        else:
            errors.append(required(f"{path}.{field}"))
    version = target.get("apiVersion") or ""
    if version.count("/") > 1:
        errors.append(invalid(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}"))
    elif grouped and not version.rpartition("/")[0] and target.get("kind") != "ReplicationController":
        errors.append(invalid(f"{path}.apiVersion", version, "apiVersion must specify API group"))


def check_metrics(errors: Errors, path: str, metrics: Sequence[Metric], least: int | None) -> None:
    for index, metric in enumerate(metrics):
        _check_metric(errors, f"{path}[{index}]", metric)
    if least == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(forbidden(path, text))


def _check_metric(errors: Errors, path: str, metric: Metric) -> None:
    kind = metric.get("type") or ""
    if not kind:
        errors.append(required(f"{path}.type", "must specify a metric source type"))
    if kind not in _SOURCES:
        errors.append(not_supported(f"{path}.type", kind, _SOURCES))
    present = [field for field in _CHECKS if metric.get(field) is not None]
    for field in present[:1]:
        _CHECKS[field](errors, f"{path}.{field}", metric[field])
    expected = kind[:1].lower() + kind[1:]
    if kind not in _SOURCES:
        errors.append(not_supported(f"{path}.type", kind, _SOURCES))
    elif expected not in present:
        text = "must populate information for the given metric source"
        errors.append(required(f"{path}.{expected}", text))
    if len(present) > 1:
        others = (field for field in present if field != expected)
        errors.extend(forbidden(f"{path}.{field}", "must populate the given metric source only") for field in others)


def _object(errors: Errors, path: str, source: Metric) -> None:
    check_target(errors, f"{path}.describedObject", source.get("describedObject") or {}, grouped=False)
    _check_identifier(errors, f"{path}.metric", source)
    target = _check_metric_target(errors, f"{path}.target", source)
    if target.get("value") is None and target.get("averageValue") is None:
        errors.append(required(f"{path}.target.averageValue", "must set either a target value or averageValue"))


def _external(errors: Errors, path: str, source: Metric) -> None:
    _check_identifier(errors, f"{path}.metric", source)
    target = _check_metric_target(errors, f"{path}.target", source)
    value, average = target.get("value"), target.get("averageValue")
    if value is None and average is None:
        text = "must set either a target value for metric or a per-pod target"
        errors.append(required(f"{path}.target.averageValue", text))
    if value is not None and average is not None:
        text = "may not set both a target value for metric and a per-pod target"
        errors.append(forbidden(f"{path}.target.value", text))


def _pods(errors: Errors, path: str, source: Metric) -> None:
    _check_identifier(errors, f"{path}.metric", source)
    average = _check_metric_target(errors, f"{path}.target", source).get("averageValue")
    if average is None or parse(average).nanos <= 0:
        errors.append(required(f"{path}.target.averageValue", "must specify a positive target averageValue"))


def _resource(errors: Errors, path: str, source: Metric) -> None:
    if not source.get("name"):
        errors.append(required(f"{path}.name", "must specify a resource name"))
    _check_resource_target(errors, path, source)


def _container_resource(errors: Errors, path: str, source: Metric) -> None:
    if not source.get("name"):
        errors.append(required(f"{path}.name", "must specify a resource name"))
    if not source.get("container"):
        errors.append(required(f"{path}.container", "must specify a container"))
    _check_resource_target(errors, path, source)


_CHECKS: Final[dict[str, Callable[[Errors, str, Metric], None]]] = {
    "object": _object,
    "external": _external,
    "pods": _pods,
    "resource": _resource,
    "containerResource": _container_resource,
}


def _check_resource_target(errors: Errors, path: str, source: Metric) -> None:
    target = _check_metric_target(errors, f"{path}.target", source)
    share, average = target.get("averageUtilization"), target.get("averageValue")
    if share is None and average is None:
        text = "must set either a target raw value or a target utilization"
        errors.append(required(f"{path}.target.averageUtilization", text))
    if share is not None and average is not None:
        text = "may not set both a target raw value and a target utilization"
        errors.append(forbidden(f"{path}.target.averageValue", text))


def _check_identifier(errors: Errors, path: str, source: Metric) -> None:
    if name := (source.get("metric") or {}).get("name"):
        check_rule(errors, f"{path}.name", name, names.path_segment)
    else:
        errors.append(required(f"{path}.name", "must specify a metric name"))


def _check_metric_target(errors: Errors, path: str, source: Metric) -> Mapping[str, Any]:
    target: Mapping[str, Any] = source.get("target") or {}
    kind = target.get("type") or ""
    if not kind:
        errors.append(required(f"{path}.type", "must specify a metric target type"))
    if kind not in _TARGET_TYPES:
        errors.append(invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue"))
    for field in ("value", "averageValue"):
        amount = target.get(field)
        if amount is not None and (quantity := parse(amount)).nanos <= 0:
            errors.append(invalid(f"{path}.{field}", str(quantity), "must be positive"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        errors.append(invalid(f"{path}.averageUtilization", share, "must be greater than 0"))
    return target
