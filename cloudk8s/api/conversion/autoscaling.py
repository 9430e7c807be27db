"""HorizontalPodAutoscaler v1 and v2; what v1 has no field for travels in annotations."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.conversion.autoscaling_metrics import spec_to_v1, spec_to_v2, status_to_v1, status_to_v2
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
    metrics = [spec_to_v2(metric) for metric in annotations.get(_METRICS) or []]
    target = old_spec.get("targetCPUUtilizationPercentage")
    if target is not None:
        metrics.append(_cpu({"target": {"type": "Utilization", "averageUtilization": target}}))
    if metrics:
        spec["metrics"] = metrics
    if behavior := annotations.get(_BEHAVIOR):
        spec["behavior"] = _renamed(behavior, str.lower)
    status: Object = {name: old_status[name] for name in _STATUS if name in old_status}
    if status.get("currentReplicas") == 0:
        del status["currentReplicas"]
    current = [status_to_v2(metric) for metric in annotations.get(_CURRENT) or []]
    used = old_status.get("currentCPUUtilizationPercentage")
    if used is not None and not current:
        current = [_cpu({"current": {"averageUtilization": used}})]
    status["currentMetrics"] = current or None
    if conditions := annotations.get(_CONDITIONS):
        status["conditions"] = conditions
    return {"kind": obj["kind"], "apiVersion": "autoscaling/v2", "metadata": metadata, "spec": spec, "status": status}


def to_v1(obj: Object) -> Object:
    """autoscaling/v2 to v1."""
    old_spec, old_status = obj.get("spec") or {}, obj.get("status") or {}
    spec: Object = {name: old_spec[name] for name in _SPEC if name in old_spec}
    others = []
    for metric in old_spec.get("metrics") or []:
        share = _cpu_share(metric, "target")
        if share is None:
            others.append(spec_to_v1(metric))
        else:
            spec.setdefault("targetCPUUtilizationPercentage", share)
    status: Object = {"currentReplicas": 0}
    status |= {name: old_status[name] for name in _STATUS if name in old_status}
    current = old_status.get("currentMetrics") or []
    shares = [share for metric in current if (share := _cpu_share(metric, "current")) is not None]
    if shares:
        status["currentCPUUtilizationPercentage"] = shares[0]
    annotations = {
        _METRICS: others,
        _CURRENT: [status_to_v1(metric) for metric in current],
        _CONDITIONS: old_status.get("conditions"),
        _BEHAVIOR: _renamed(old_spec.get("behavior"), str.upper),
    }
    metadata = _with_annotations(obj, annotations)
    return {"kind": obj["kind"], "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


def _cpu_share(metric: Object, side: str) -> Any:
    """The average utilization of CPU that a metric asks for or reports; None for any other metric."""
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    return (resource.get(side) or {}).get("averageUtilization")


def _cpu(source: Object) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", **source}}


def _renamed(tree: Any, first_letter: Any) -> Any:
    """The behavior is kept as Go's own struct, whose field names begin with a capital letter."""
    if isinstance(tree, dict):
        return {
            first_letter(key[:1]) + key[1:]: _renamed(value, first_letter)
            for key, value in tree.items()
            if value is not None
        }
    return [_renamed(item, first_letter) for item in tree] if isinstance(tree, list) else tree


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
            value = codec.decode(text)
        except codec.DecodeError:
            continue
        if isinstance(value, dict if name == _BEHAVIOR else list):
            found[name] = value
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
