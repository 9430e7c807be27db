"""Paths, hosts and annotations become rules of listeners. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, spec_of
from cloudk8s.cloud.stack.resource import Ref
from cloudk8s_aws.ingress.group import PREFIX
from cloudk8s_aws.ingress.options import json_of
from cloudk8s_aws.load_balancers.values import Annotations

USE_ANNOTATION = "use-annotation"
NOT_FOUND: Mapping[str, Any] = {
    "Type": "fixed-response",
    "FixedResponseConfig": {"ContentType": "text/plain", "StatusCode": "404"},
}
CONDITIONS = {
    "host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig", "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig", "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}  # fmt: skip
MOST_VALUES = 5
"""Values that the conditions of one rule may have together."""

Action = Mapping[str, Any]
Target = Callable[[Object, str, int | str], Ref]
"""The target group of an Ingress's backend: Service and port."""
Guard = Callable[[Object, str], Action | None]
"""What is to be done first where an Ingress leads to a Service."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when, and what then. Actions hold references to target groups."""

    conditions: tuple[Mapping[str, Any], ...] = field(hash=False)
    actions: tuple[Mapping[str, Any], ...] = field(hash=False)


def everybody(ingress: Object, service: str) -> Action | None:
    """The guard that lets everybody in."""
    return None


def rules_of(ingress: Object, target: Target, guard: Guard = everybody) -> list[Rule]:
    """The rules of one Ingress: exact paths first, then longer prefixes before shorter ones."""
    given = Annotations.of(annotations_of(ingress), PREFIX)
    rules: list[Rule] = []
    for entry in spec_of(ingress).get("rules") or ():
        for path in sorted((entry.get("http") or {}).get("paths") or (), key=_precedence):
            service = path["backend"]["service"]
            conditions = [*_host(entry.get("host") or ""), *_path(path)]
            conditions = _with_annotated(given, service["name"], conditions)
            rules.append(Rule(tuple(conditions), tuple(_actions(ingress, given, path["backend"], target, guard))))
    return rules


def default_actions(ingresses: Iterable[Object], target: Target, guard: Guard = everybody) -> Sequence[Action]:
    """What is done where no rule fits: the first default backend, else 404."""
    for ingress in ingresses:
        if backend := spec_of(ingress).get("defaultBackend"):
            given = Annotations.of(annotations_of(ingress), PREFIX)
            return _actions(ingress, given, backend, target, guard)
    return [NOT_FOUND]


def redirect(port: int) -> Mapping[str, Any]:
    """To HTTPS, everything else as it was asked for."""
    return {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "Port": str(port), "StatusCode": "HTTP_301"},
    }


def _actions(
    ingress: Object, given: Annotations, backend: Mapping[str, Any], target: Target, guard: Guard
) -> list[Action]:
    service, port = backend["service"]["name"], backend["service"].get("port") or {}
    first = guard(ingress, service)
    if port.get("name") == USE_ANNOTATION:
        then = _annotated(ingress, given, service, target)
    else:
        then = _forward([(target(ingress, service, port.get("number") or port.get("name") or 0), 1)])
    return [then] if first is None else [first, then]


def _annotated(ingress: Object, given: Annotations, name: str, target: Target) -> Mapping[str, Any]:
    """`actions.<name>`: in the words of the API, in either case."""
    value = _capital(json_of(given, f"actions.{name}", None))
    if not isinstance(value, dict) or "Type" not in value:
        raise given.wrong(f"actions.{name}", "there must be an action with a type")
    if value["Type"] != "forward":
        return value
    groups = value.get("ForwardConfig", {}).get("TargetGroups") or [value]
    weighted: list[tuple[Any, int]] = []
    for entry in groups:
        arn = entry.get("TargetGroupArn")
        service = target(ingress, entry["ServiceName"], entry.get("ServicePort", 0)) if "ServiceName" in entry else arn
        if not service:
            raise given.wrong(f"actions.{name}", "a target group needs targetGroupARN, or serviceName and servicePort")
        weighted.append((service, int(entry.get("Weight", 1))))
    return _forward(weighted)


def _forward(weighted: Sequence[tuple[Any, int]]) -> Mapping[str, Any]:
    groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weighted]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


def _host(host: str) -> list[Mapping[str, Any]]:
    return [condition("host-header", [host])] if host else []


def _path(path: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    text, kind = path.get("path") or "/", path.get("pathType")
    if kind == "Prefix":
        trimmed = text.rstrip("/")
        return [condition("path-pattern", [trimmed, f"{trimmed}/*"] if trimmed else ["/*"])]
    return [condition("path-pattern", [text])]


def _with_annotated(given: Annotations, service: str, conditions: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """`conditions.<service>` are added; values for the host or the path join those that are there."""
    found = {entry["Field"]: entry for entry in conditions}
    for entry in json_of(given, f"conditions.{service}", []):
        value = _capital(entry)
        if value.get("Field") not in CONDITIONS:
            raise given.wrong(f"conditions.{service}", f"{value.get('Field')!r} is none of {', '.join(CONDITIONS)}")
        name, kind = CONDITIONS[value["Field"]], value["Field"]
        if kind in found and "Values" in found[kind].get(name, {}):
            value = condition(kind, [*found[kind][name]["Values"], *value[name]["Values"]])
        found[kind] = value
    if sum(len(entry[CONDITIONS[kind]].get("Values", ())) for kind, entry in found.items()) > MOST_VALUES:
        raise given.wrong(f"conditions.{service}", f"a rule has at most {MOST_VALUES} values in all")
    return list(found.values())


def condition(kind: str, values: Sequence[str]) -> Mapping[str, Any]:
    """A condition of a rule, in the words of the API."""
    return {"Field": kind, CONDITIONS[kind]: {"Values": list(values)}}


def _precedence(path: Mapping[str, Any]) -> tuple[int, int]:
    kinds = {"Exact": 0, "Prefix": 1}
    kind = kinds.get(str(path.get("pathType")), 2)
    return kind, -len(path.get("path") or "") if kind == 1 else 0


def _capital(value: Any) -> Any:
    """`redirectConfig` as `RedirectConfig`, `targetGroupARN` as `TargetGroupArn`: annotations use either."""
    if isinstance(value, dict):
        return {(name[:1].upper() + name[1:]).replace("ARN", "Arn"): _capital(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_capital(entry) for entry in value]
    return value
