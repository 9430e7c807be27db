"""ResourceClaims, their templates, and DeviceClasses."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final

from cloudk8s.api.field_errors import Rendered, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.devices.lists import (
    Item,
    check_configuration,
    check_each,
    check_named,
    check_selector,
)
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_immutable, check_rule

_MODES: Final = ("All", "ExactCount")
_ALTERNATIVES_MAX: Final = 8
_EITHER: Final = "exactly one of `exactly` or `firstAvailable` is required"


def check_device_class_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    check_each(errors, "spec.selectors", spec.get("selectors") or (), check_selector)
    check_each(errors, "spec.config", spec.get("config") or (), check_configuration)


def check_claim_spec(errors: Errors, path: str, spec: Mapping[str, Any]) -> None:
    devices = spec.get("devices") or {}
    requests = devices.get("requests") or ()
    check_named(errors, f"{path}.devices.requests", requests, _check_request)
    known = _request_names(requests)
    constraint = partial(_check_constraint, known=known)
    check_each(errors, f"{path}.devices.constraints", devices.get("constraints") or (), constraint)
    configuration = partial(_check_claim_configuration, known=known)
    check_each(errors, f"{path}.devices.config", devices.get("config") or (), configuration)


def check_claim_kept(errors: Errors, path: str, spec: Any, old: Any, go_type: str) -> None:
    check_immutable(errors, path, spec, old, go_json(spec, go_type))


def _check_request(errors: Errors, path: str, request: Item) -> None:
    check_rule(errors, f"{path}.name", request.get("name") or "", names.dns_label)
    choices, exactly = request.get("firstAvailable") or (), request.get("exactly")
    if choices:
        check_named(errors, f"{path}.firstAvailable", choices, _check_choice, _ALTERNATIVES_MAX)
    if exactly is not None:
        _check_exact(errors, f"{path}.exactly", exactly)
    if choices and exactly is not None:
        errors.append(invalid(path, Rendered("null"), f"{_EITHER}, but multiple fields are set"))
    elif not choices and exactly is None:
        errors.append(required(path, _EITHER))


def _check_choice(errors: Errors, path: str, request: Item) -> None:
    check_rule(errors, f"{path}.name", request.get("name") or "", names.dns_label)
    _check_exact(errors, path, request)


def _check_exact(errors: Errors, path: str, request: Item) -> None:
    if name := request.get("deviceClassName"):
        check_rule(errors, f"{path}.deviceClassName", name, names.dns_subdomain)
    else:
        errors.append(required(f"{path}.deviceClassName"))
    check_each(errors, f"{path}.selectors", request.get("selectors") or (), check_selector)
    mode, count = request.get("allocationMode") or "", request.get("count") or 0
    if mode == "ExactCount":
        if count <= 0:
            errors.append(invalid(f"{path}.count", count, "must be greater than zero"))
    elif mode == "All":
        if count:
            text = "must not be specified when allocationMode is 'All'"
            errors.append(invalid(f"{path}.count", count, text))
    else:
        errors.append(not_supported(f"{path}.allocationMode", mode, _MODES))


def _check_constraint(errors: Errors, path: str, constraint: Item, known: Collection[str]) -> None:
    _check_references(errors, f"{path}.requests", constraint.get("requests") or (), known)
    same, distinct = constraint.get("matchAttribute"), constraint.get("distinctAttribute")
    if same is None and distinct is None:
        errors.append(required(path, "one of `matchAttribute` or `distinctAttribute` must be set"))
    for field, value in (("matchAttribute", same), ("distinctAttribute", distinct)):
        if value is not None:
            check_attribute_name(errors, f"{path}.{field}", value, qualified=True)


def _check_claim_configuration(errors: Errors, path: str, configuration: Item, known: Collection[str]) -> None:
    _check_references(errors, f"{path}.requests", configuration.get("requests") or (), known)
    check_configuration(errors, path, configuration)


def _check_references(errors: Errors, path: str, requests: Collection[str], known: Collection[str]) -> None:
    for index, name in enumerate(requests):
        if name not in known:
            text = (
                "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
            )
            errors.append(invalid(f"{path}[{index}]", name, text))


def check_attribute_name(errors: Errors, path: str, name: str, *, qualified: bool) -> None:
    """`model` or `example.com/model`; `qualified` asks for the domain."""
    if not name:
        errors.append(required(path, "name required"))
        return
    domain, slash, identifier = name.rpartition("/")
    if "/" in domain:
        errors.append(invalid(path, name, "a valid name must contain at most one slash"))
        return
    if slash:
        check_rule(errors, path, domain, names.dns_subdomain)
    elif qualified:
        errors.append(invalid(path, name, "must include a domain"))
    check_rule(errors, path, identifier, names.c_identifier)


def _request_names(requests: Any) -> set[str]:
    found = set()
    for request in requests:
        name = request.get("name") or ""
        found.add(name)
        found.update(f"{name}/{choice.get('name', '')}" for choice in request.get("firstAvailable") or ())
    return found
