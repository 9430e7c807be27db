"""Which objects a quota is about: its scopes and its scope selector."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.quota.usage import Named
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.pod.quality import quality_of_service


def matches(quota: Object, resource: Named, obj: Object) -> bool:
    """Whether the quota counts the object. Quotas with scopes count pods only (and claims by their class)."""
    spec = quota.get("spec") or {}
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or []]
    scopes += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return all(_in_scope(scope, resource, obj) for scope in scopes)


def _in_scope(scope: dict[str, Any], resource: Named, obj: Object) -> bool:
    name = scope["scopeName"]
    if name == "VolumeAttributesClass":
        if resource.plural != "persistentvolumeclaims":
            return False
        return any(_selects(scope, name) for name in _attributes_classes(obj))
    if resource.plural != "pods" or resource.group:
        return False
    spec = obj.get("spec") or {}
    if name == "Terminating":
        return spec.get("activeDeadlineSeconds") is not None
    if name == "NotTerminating":
        return spec.get("activeDeadlineSeconds") is None
    if name == "BestEffort":
        return _is_best_effort(obj)
    if name == "NotBestEffort":
        return not _is_best_effort(obj)
    if name == "CrossNamespacePodAffinity":
        return _reaches_other_namespaces(spec)
    return name == "PriorityClass" and _selects(scope, spec.get("priorityClassName"))


def _selects(scope: dict[str, Any], value: str | None) -> bool:
    values = scope.get("values") or []
    match scope.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "DoesNotExist":
            return not value
    return bool(value)


def _is_best_effort(pod: Object) -> bool:
    said = (pod.get("status") or {}).get("qosClass")
    return str(said or quality_of_service(pod.get("spec") or {})) == "BestEffort"


def _attributes_classes(claim: Object) -> list[str | None]:
    """Every class that a claim wants, has, or is changing to; None if there is none."""
    status = claim.get("status") or {}
    changing = (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName")
    wanted = (claim.get("spec") or {}).get("volumeAttributesClassName")
    names = [name for name in (wanted, status.get("currentVolumeAttributesClassName"), changing) if name]
    return [*names] or [None]


def _reaches_other_namespaces(spec: dict[str, Any]) -> bool:
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or [])
        terms += [
            item.get("podAffinityTerm") or {}
            for item in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or []
        ]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False
