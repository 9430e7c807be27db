"""Metrics of HorizontalPodAutoscalers as autoscaling/v2 writes them and as v1 keeps them in annotations."""

from __future__ import annotations

from typing import Any, Final

Metric = dict[str, Any]

_SOURCES: Final = ("object", "pods", "resource", "containerResource", "external")
_REFERENCE: Final = ("kind", "name", "apiVersion")
_NAMED: Final = ("name", "container")


def spec_to_v1(metric: Metric) -> Metric:
    """One of `spec.metrics`."""
    return _converted(metric, _source_to_v1)


def spec_to_v2(metric: Metric) -> Metric:
    return _converted(metric, _source_to_v2)


def status_to_v1(metric: Metric) -> Metric:
    """One of `status.currentMetrics`."""
    return _converted(metric, _status_to_v1)


def status_to_v2(metric: Metric) -> Metric:
    return _converted(metric, _status_to_v2)


def _converted(metric: Metric, convert: Any) -> Metric:
    found = {kind: convert(kind, metric[kind]) for kind in _SOURCES if isinstance(metric.get(kind), dict)}
    return {"type": metric.get("type", ""), **found}


def _source_to_v1(kind: str, source: Metric) -> Metric:
    target, result = source.get("target") or {}, _head_to_v1(kind, source)
    if kind == "object":
        result["targetValue"] = target.get("value", "0")
        _put(result, "averageValue", target.get("averageValue"))
    elif kind == "pods":
        result["targetAverageValue"] = target.get("averageValue", "0")
    elif kind == "external":
        _put(result, "targetValue", target.get("value"))
        _put(result, "targetAverageValue", target.get("averageValue"))
    else:
        _put(result, "targetAverageUtilization", target.get("averageUtilization"))
        _put(result, "targetAverageValue", target.get("averageValue"))
    return result


def _source_to_v2(kind: str, source: Metric) -> Metric:
    target: Metric = {}
    if kind == "object":
        target["type"] = "Value" if source.get("averageValue") is None else "AverageValue"
        target["value"] = source.get("targetValue", "0")
        _put(target, "averageValue", source.get("averageValue"))
    elif kind == "pods":
        target |= {"type": "AverageValue", "averageValue": source.get("targetAverageValue", "0")}
    elif kind == "external":
        target["type"] = "AverageValue" if source.get("targetValue") is None else "Value"
        _put(target, "value", source.get("targetValue"))
        _put(target, "averageValue", source.get("targetAverageValue"))
    else:
        target["type"] = "AverageValue" if source.get("targetAverageUtilization") is None else "Utilization"
        _put(target, "averageUtilization", source.get("targetAverageUtilization"))
        _put(target, "averageValue", source.get("targetAverageValue"))
    return {**_head_to_v2(kind, source), "target": target}


def _status_to_v1(kind: str, status: Metric) -> Metric:
    current, result = status.get("current") or {}, _head_to_v1(kind, status)
    if kind == "object":
        result["currentValue"] = current.get("value", "0")
        _put(result, "averageValue", current.get("averageValue"))
    elif kind == "external":
        result["currentValue"] = current.get("value", "0")
        _put(result, "currentAverageValue", current.get("averageValue"))
    else:
        result["currentAverageValue"] = current.get("averageValue", "0")
        if kind != "pods":
            _put(result, "currentAverageUtilization", current.get("averageUtilization"))
    return result


def _status_to_v2(kind: str, status: Metric) -> Metric:
    current: Metric = {}
    if kind in ("object", "external"):
        current["value"] = status.get("currentValue", "0")
        average = status.get("averageValue" if kind == "object" else "currentAverageValue")
    else:
        average = status.get("currentAverageValue", "0")
        _put(current, "averageUtilization", status.get("currentAverageUtilization"))
    _put(current, "averageValue", average)
    return {**_head_to_v2(kind, status), "current": current}


def _head_to_v1(kind: str, source: Metric) -> Metric:
    """What is measured, and on what."""
    if kind in ("resource", "containerResource"):
        return {field: source[field] for field in _NAMED if field in source}
    metric = source.get("metric") or {}
    head: Metric = {"metricName": metric.get("name", "")}
    _put(head, "metricSelector" if kind == "external" else "selector", metric.get("selector"))
    if kind == "object":
        described = source.get("describedObject") or {}
        head["target"] = {field: described[field] for field in _REFERENCE if field in described}
    return head


def _head_to_v2(kind: str, source: Metric) -> Metric:
    if kind in ("resource", "containerResource"):
        return {field: source[field] for field in _NAMED if field in source}
    metric: Metric = {"name": source.get("metricName", "")}
    _put(metric, "selector", source.get("metricSelector" if kind == "external" else "selector"))
    if kind == "object":
        return {"describedObject": source.get("target") or {}, "metric": metric}
    return {"metric": metric}


def _put(target: Metric, field: str, value: Any) -> None:
    if value is not None:
        target[field] = value
