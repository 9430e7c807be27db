"""Values as objects of the two APIs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from cloudk8s.api.custom_metrics.source import ExternalValue
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.machinery.quantity import Quantity
from cloudk8s.machinery.times import format_time

CUSTOM_GROUP: Final = "custom.metrics.k8s.io"
CUSTOM_VERSIONS: Final = ("v1beta2", "v1beta1")
EXTERNAL_GROUP: Final = "external.metrics.k8s.io"
EXTERNAL_VERSION: Final = "v1beta1"


def metric_values(version: str, metric: str, values: Iterable[tuple[Object, Quantity]], now: datetime) -> Object:
    """A MetricValueList of `custom.metrics.k8s.io`."""
    named: dict[str, Any] = {"metric": {"name": metric, "selector": None}}
    if version == "v1beta1":
        named = {"metricName": metric}
    moment = format_time(now)
    items = [
        {"describedObject": _described(obj), **named, "timestamp": moment, "value": str(value)}
        | ({"selector": None} if version == "v1beta1" else {})
        for obj, value in values
    ]
    return _list("MetricValueList", f"{CUSTOM_GROUP}/{version}", items)


def external_values(metric: str, values: Iterable[ExternalValue], now: datetime) -> Object:
    """An ExternalMetricValueList of `external.metrics.k8s.io`."""
    moment = format_time(now)
    items = [
        {"metricName": metric, "metricLabels": dict(item.labels), "timestamp": moment, "value": str(item.value)}
        for item in values
    ]
    return _list("ExternalMetricValueList", f"{EXTERNAL_GROUP}/{EXTERNAL_VERSION}", items)


def resource_type(group: str, version: str, name: str, *, namespaced: bool = True) -> ResourceType:
    """One metric as discovery shows it."""
    kind = "MetricValueList" if group == CUSTOM_GROUP else "ExternalMetricValueList"
    return ResourceType(group, version, kind, name, "", namespaced, ("get",), is_virtual=True)


def _list(kind: str, api_version: str, items: list[dict[str, Any]]) -> Object:
    return {"kind": kind, "apiVersion": api_version, "metadata": {}, "items": items}


def _described(obj: Mapping[str, Any]) -> Object:
    metadata, version = obj["metadata"], obj["apiVersion"]
    space = {"namespace": metadata["namespace"]} if metadata.get("namespace") else {}
    api_version = version if "/" in version else f"/{version}"
    return {"kind": obj["kind"], **space, "name": metadata["name"], "apiVersion": api_version}
