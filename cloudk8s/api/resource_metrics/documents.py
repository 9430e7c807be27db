"""Measurements as objects of `metrics.k8s.io/v1beta1`."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from cloudk8s.api.resource import Object
from cloudk8s.api.resource_metrics.types import API_VERSION
from cloudk8s.api.resource_metrics.usage import Measurement, Usage
from cloudk8s.machinery.quantity import Format, Quantity
from cloudk8s.machinery.times import format_duration, format_time

_BYTES: Final = Format.BINARY_SI
_moment, _span = lru_cache(maxsize=64)(format_time), lru_cache(maxsize=64)(format_duration)
"""The items of a list share most of their times."""


def node_metrics(node: Object, measured: Measurement, now: datetime) -> Object:
    """A NodeMetrics with the node's labels."""
    return _head("NodeMetrics", node, measured, now) | {"usage": _quantities(measured.usage[""])}


def pod_metrics(pod: Object, measured: Measurement, now: datetime) -> Object:
    """A PodMetrics with the pod's labels; containers in the order of their names."""
    containers = [{"name": name, "usage": _quantities(usage)} for name, usage in sorted(measured.usage.items())]
    return _head("PodMetrics", pod, measured, now) | {"containers": containers}


def _head(kind: str, obj: Object, measured: Measurement, now: datetime) -> Object:
    given = obj["metadata"]
    kept = {key: given[key] for key in ("name", "namespace") if key in given}
    metadata = kept | {"creationTimestamp": _moment(now)} | ({"labels": given["labels"]} if "labels" in given else {})
    return {
        "kind": kind,
        "apiVersion": API_VERSION,
        "metadata": metadata,
        "timestamp": _moment(measured.timestamp),
        "window": _span(measured.window),
    }


def _quantities(usage: Usage) -> dict[str, str]:
    return {"cpu": str(Quantity(usage.cpu_nano_cores)), "memory": str(Quantity.of(usage.memory_bytes, _BYTES))}
