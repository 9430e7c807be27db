"""HorizontalPodAutoscalers, of both versions."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.conversion import convert
from cloudk8s.api.features import FeatureGates
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.autoscaler import check_autoscaler_spec
from cloudk8s.api.validation.values import check_non_negative

_SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


class HorizontalPodAutoscalerStrategy(BuiltinStrategy):
    """The HorizontalPodAutoscaler kind; autoscaling/v1 is autoscaling/v2 with metrics in annotations."""

    has_status = True

    def __init__(self, features: FeatureGates) -> None:
        self._least = 0 if features.is_on("HPAScaleToZero") else 1

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec.setdefault("minReplicas", 1)
        is_v1 = obj.get("apiVersion") == "autoscaling/v1"
        if not is_v1:
            if not spec.get("metrics"):
                spec["metrics"] = [_cpu_at(80)]
            _default_behavior(spec)
        status = obj.setdefault("status", {})
        status.setdefault("desiredReplicas", 0)
        if is_v1:
            status.setdefault("currentReplicas", 0)
        else:
            status.setdefault("currentMetrics", None)

    def prepare_create(self, obj: Object) -> None:
        is_v1 = obj.get("apiVersion") == "autoscaling/v1"
        obj["status"] = {"desiredReplicas": 0} | ({"currentReplicas": 0} if is_v1 else {"currentMetrics": None})

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        spec = _new_form(obj)["spec"]
        check_autoscaler_spec(errors, spec, None if old is None else _new_form(old)["spec"], least=self._least)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        for field in ("currentReplicas", "desiredReplicas"):
            check_non_negative(errors, f"status.{field}", (new.get("status") or {}).get(field))


def _new_form(obj: Object) -> Object:
    return convert(obj, "autoscaling/v2") if obj.get("apiVersion") == "autoscaling/v1" else obj


def _cpu_at(percent: int) -> dict[str, Any]:
    return {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
    }


def _default_behavior(spec: dict[str, Any]) -> None:
    behavior = spec.get("behavior")
    if behavior is None:
        return
    for field, rules in (("scaleUp", _SCALE_UP), ("scaleDown", _SCALE_DOWN)):
        given = {key: value for key, value in (behavior.get(field) or {}).items() if value is not None}
        behavior[field] = rules | given
