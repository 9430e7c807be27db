"""HorizontalPodAutoscaler v1 and v2; what v1 has no field for travels in annotations."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.resource import Object
from cloudk8s.machinery import codec

_METRICS: Final = "autoscaling.alpha.kubernetes.io/metrics"
_CURRENT: Final = "autoscaling.alpha.kubernetes.io/current-metrics"
_CONDITIONS: Final = "autoscaling.alpha.kubernetes.io/conditions"
_BEHAVIOR: Final = "autoscaling.alpha.kubernetes.io/behavior"
_ALL: Final = (_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR)
_SPEC: Final = ("scaleTargetRef", "minReplicas", "maxReplicas")
_STATUS: Final = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def to_v2(obj: Object) -> Object:
    """autoscaling/v1 to v2."""
    metadata, annotations = _without_annotations(obj)
    old_spec, old_status = obj.get("spec") or {}, obj.get("status") or {}
    spec: Object = {name: old_spec[name] for name in _SPEC if name in old_spec}
    metrics = annotations.get(_METRICS) or []
    target = old_spec.get("targetCPUUtilizationPercentage")
    if target is not None:
        metrics = [_cpu({"target": {"type": "Utilization", "averageUtilization": target}}), *metrics]
    if metrics:
        spec["metrics"] = metrics
    if behavior := annotations.get(_BEHAVIOR):
        spec["behavior"] = behavior
    status: Object = {name: old_status[name] for name in _STATUS if name in old_status}
    if status.get("currentReplicas") == 0:
        del status["currentReplicas"]
    current = annotations.get(_CURRENT) or []
    used = old_status.get("currentCPUUtilizationPercentage")
    if used is not None:
        current = [_cpu({"current": {"averageUtilization": used}}), *current]
    status["currentMetrics"] = current or None
    if conditions := annotations.get(_CONDITIONS):
        status["conditions"] = conditions
    return {"kind": obj["kind"], "apiVersion": "autoscaling/v2", "metadata": metadata, "spec": spec, "status": status}


def to_v1(obj: Object) -> Object:
    """autoscaling/v2 to v1."""
    old_spec, old_status = obj.get("spec") or {}, obj.get("status") or {}
    spec: Object = {name: old_spec[name] for name in _SPEC if name in old_spec}
    annotations: dict[str, Any] = {}
    others = []
    for metric in old_spec.get("metrics") or []:
        target = ((metric.get("resource") or {}).get("target")) or {}
        is_cpu = metric.get("type") == "Resource" and metric["resource"].get("name") == "cpu"
        if is_cpu and target.get("averageUtilization") is not None and "targetCPUUtilizationPercentage" not in spec:
            spec["targetCPUUtilizationPercentage"] = target["averageUtilization"]
        else:
            others.append(metric)
    annotations[_METRICS] = others
    annotations[_BEHAVIOR] = old_spec.get("behavior")
    status: Object = {"currentReplicas": 0}
    status |= {name: old_status[name] for name in _STATUS if name in old_status}
    current = []
    for metric in old_status.get("currentMetrics") or []:
        value = (((metric.get("resource") or {}).get("current")) or {}).get("averageUtilization")
        is_cpu = metric.get("type") == "Resource" and metric["resource"].get("name") == "cpu"
        if is_cpu and value is not None and "currentCPUUtilizationPercentage" not in status:
            status["currentCPUUtilizationPercentage"] = value
        current.append(metric)
    annotations[_CURRENT] = current
    annotations[_CONDITIONS] = old_status.get("conditions")
    metadata = _with_annotations(obj, annotations)
    return {"kind": obj["kind"], "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


def _cpu(source: Object) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", **source}}


def _without_annotations(obj: Object) -> tuple[Object, dict[str, Any]]:
    """The metadata without the four annotations, and what these say; one that cannot be read says nothing."""
    metadata = dict(obj["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    found: dict[str, Any] = {}
    for name in _ALL:
        text = annotations.pop(name, None)
        if text is None:
            continue
        try:
            found[name] = codec.decode(text)
        except codec.DecodeError:
            continue
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    return metadata, found


def _with_annotations(obj: Object, values: dict[str, Any]) -> Object:
    added = {name: codec.encode(value).decode() for name, value in values.items() if value}
    metadata = dict(obj["metadata"])
    if added:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **added}
    return metadata
