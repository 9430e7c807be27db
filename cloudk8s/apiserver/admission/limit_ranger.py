"""LimitRanger: a namespace's limits, as defaults for what is left out and as bounds for what is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.machinery.quantity import Quantity, parse

_ANNOTATION: Final = "kubernetes.io/limit-ranger"
_KINDS: Final = {("", "pods"), ("", "persistentvolumeclaims")}
Amounts = dict[str, Quantity]


class LimitRanger(AdmissionPlugin):
    """Upstream's plugin of that name, for pods and claims."""

    name = "LimitRanger"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        if (resource.group, resource.plural) not in _KINDS or subresource:
            return False
        return operation == "CREATE" or (operation == "UPDATE" and resource.plural != "pods")

    def admit(self, request: AdmissionRequest) -> None:
        if request.resource.plural != "pods" or request.operation != "CREATE":
            return
        assert request.obj is not None
        for limit_range in self.core.few("", "limitranges", request.namespace):
            _apply_defaults(request.obj, limit_range)

    def validate(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        for limit_range in self.core.few("", "limitranges", request.namespace):
            problems: list[str] = []
            for item in limit_range["spec"].get("limits") or []:
                problems += _problems(request, item)
            if problems:
                reason = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
                raise failures.forbidden(request.resource, request.name, reason)


def _apply_defaults(pod: Object, limit_range: Object) -> None:
    requests: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for item in limit_range["spec"].get("limits") or []:
        if item.get("type") == "Container":
            requests |= item.get("defaultRequest") or {}
            limits |= item.get("default") or {}
    if not requests and not limits:
        return
    said: list[str] = []
    for kind, containers in (
        ("container", pod["spec"].get("containers") or []),
        ("init container", pod["spec"].get("initContainers") or []),
    ):
        for container in containers:
            said += _complete(container, requests, limits, kind)
    if said:
        annotations = pod["metadata"].setdefault("annotations", {}) or {}
        pod["metadata"]["annotations"] = annotations | {_ANNOTATION: "LimitRanger plugin set: " + "; ".join(said)}


def _complete(container: Object, requests: Mapping[str, Any], limits: Mapping[str, Any], kind: str) -> list[str]:
    resources = container.get("resources") or {}
    said = []
    for field, defaults, word in (("requests", requests, "request"), ("limits", limits, "limit")):
        present = dict(resources.get(field) or {})
        added = sorted(name for name in defaults if name not in present)
        if added:
            resources[field] = present | {name: defaults[name] for name in added}
            said.append(f"{', '.join(added)} {word} for {kind} {container['name']}")
    container["resources"] = resources
    return said


def _problems(request: AdmissionRequest, item: Mapping[str, Any]) -> list[str]:
    kind, obj = item.get("type", ""), request.obj or {}
    if request.resource.plural == "persistentvolumeclaims":
        if kind != "PersistentVolumeClaim":
            return []
        asked = _amounts((obj["spec"].get("resources") or {}).get("requests"))
        return list(_bounds(item, asked, {}, kind))
    spec = obj["spec"]
    if kind == "Container":
        found: list[str] = []
        for container in (*(spec.get("containers") or []), *(spec.get("initContainers") or [])):
            resources = container.get("resources") or {}
            found += _bounds(item, _amounts(resources.get("requests")), _amounts(resources.get("limits")), kind)
        return found
    if kind == "Pod":
        return list(_bounds(item, pod_total(spec, "requests"), pod_total(spec, "limits"), kind))
    return []


def pod_total(spec: Mapping[str, Any], field: str) -> Amounts:
    """What a pod asks for in all: its containers together, or its largest init container."""
    total: Amounts = {}
    for container in spec.get("containers") or []:
        for name, amount in _amounts((container.get("resources") or {}).get(field)).items():
            total[name] = total[name] + amount if name in total else amount
    for container in spec.get("initContainers") or []:
        amounts = _amounts((container.get("resources") or {}).get(field))
        for name, amount in amounts.items():
            if container.get("restartPolicy") == "Always":
                total[name] = total[name] + amount if name in total else amount
            elif name not in total or total[name] < amount:
                total[name] = amount
    return total


def _bounds(item: Mapping[str, Any], requests: Amounts, limits: Amounts, kind: str) -> Iterable[str]:
    """Upstream's three checks, each in the order of resource names."""
    for name, low in sorted(_amounts(item.get("min")).items()):
        yield from _minimum(name, low, requests, limits, kind)
    for name, high in sorted(_amounts(item.get("max")).items()):
        yield from _maximum(name, high, requests, limits, kind)
    for name, ratio in sorted(_amounts(item.get("maxLimitRequestRatio")).items()):
        yield from _ratio(name, ratio, requests, limits, kind)


def _minimum(name: str, low: Quantity, requests: Amounts, limits: Amounts, kind: str) -> Iterable[str]:
    asked, limit = requests.get(name), limits.get(name)
    if asked is None:
        yield f"minimum {name} usage per {kind} is {low}. No request is specified"
    elif asked < low:
        yield f"minimum {name} usage per {kind} is {low}, but request is {asked}"
    elif limit is not None and limit < low:
        yield f"minimum {name} usage per {kind} is {low}, but limit is {limit}"


def _maximum(name: str, high: Quantity, requests: Amounts, limits: Amounts, kind: str) -> Iterable[str]:
    asked, limit = requests.get(name), limits.get(name)
    if kind == "PersistentVolumeClaim":
        if asked is not None and high < asked:
            yield f"maximum {name} usage per {kind} is {high}, but request is {asked}"
        return
    if limit is None:
        yield f"maximum {name} usage per {kind} is {high}. No limit is specified"
    elif high < limit:
        yield f"maximum {name} usage per {kind} is {high}, but limit is {limit}"
    elif asked is not None and high < asked:
        yield f"maximum {name} usage per {kind} is {high}, but request is {asked}"


def _ratio(name: str, ratio: Quantity, requests: Amounts, limits: Amounts, kind: str) -> Iterable[str]:
    asked, limit = requests.get(name), limits.get(name)
    head = f"{name} max limit to request ratio per {kind} is {ratio}"
    if asked is None or limit is None or not asked:
        yield (
            f"{head}, but no request is specified or request is 0"
            if not asked
            else f"{head}, but no limit is specified"
        )
        return
    found = float(limit) / float(asked)
    if found > float(ratio):
        yield f"{head}, but provided ratio is {found:.6f}"


def _amounts(values: Mapping[str, Any] | None) -> Amounts:
    return {name: parse(value) for name, value in (values or {}).items()}
