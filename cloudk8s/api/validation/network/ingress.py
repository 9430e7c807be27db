"""Ingresses and their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.addresses import parse_ip
from cloudk8s.api.validation.values import Errors, check_domain_prefixed_path, check_port, check_rule

CLASS_ANNOTATION: Final = "kubernetes.io/ingress.class"
_PATH_TYPES: Final = frozenset({"Exact", "ImplementationSpecific", "Prefix"})
_SEQUENCES: Final = ("//", "/./", "/../", "%2f", "%2F")
_SUFFIXES: Final = ("/..", "/.")
_SCOPES: Final = frozenset({"Cluster", "Namespace"})
_CONTROLLER_MAX: Final = 250


def check_ingress_spec(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> None:
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        errors.append(invalid("spec", spec.get("rules"), "either `defaultBackend` or `rules` must be specified"))
    if (backend := spec.get("defaultBackend")) is not None:
        _check_backend(errors, "spec.defaultBackend", backend)
    for index, rule in enumerate(spec.get("rules") or ()):
        _check_rule(errors, f"spec.rules[{index}]", rule)
    _check_tls(errors, spec.get("tls") or (), any_secret=_had_odd_secret(old))
    if (name := spec.get("ingressClassName")) is not None:
        check_rule(errors, "spec.ingressClassName", name, names.dns_subdomain)


def check_class_annotation(errors: Errors, ingress: Mapping[str, Any]) -> None:
    """The annotation that came before the field says the same."""
    name = ingress["spec"].get("ingressClassName")
    annotated = (ingress["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION)
    if name is not None and annotated is not None and annotated != name:
        text = "must match `ingressClassName` when both are specified"
        errors.append(invalid(f"annotations.{CLASS_ANNOTATION}", annotated, text))


def check_ingress_class_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    controller = spec.get("controller") or ""
    if len(controller.encode()) > _CONTROLLER_MAX:
        errors.append(too_long("spec.controller", _CONTROLLER_MAX))
    check_domain_prefixed_path(errors, "spec.controller", controller)
    if (parameters := spec.get("parameters")) is None:
        return
    path = "spec.parameters"
    _check_reference(errors, path, parameters)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        errors.append(required(f"{path}.scope"))
        return
    if scope not in _SCOPES:
        errors.append(not_supported(f"{path}.scope", scope, _SCOPES))
    if scope == "Namespace":
        if namespace is None:
            errors.append(required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'"))
        else:
            check_rule(errors, f"{path}.namespace", namespace, names.dns_label)
    if scope == "Cluster" and namespace is not None:
        errors.append(forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'"))


def _check_rule(errors: Errors, path: str, rule: Mapping[str, Any]) -> None:
    if host := rule.get("host"):
        if parse_ip(host) is not None:
            errors.append(invalid(f"{path}.host", host, "must be a DNS name, not an IP address"))
        _check_host(errors, f"{path}.host", host)
    if (http := rule.get("http")) is None:
        return
    paths = http.get("paths") or ()
    if not paths:
        errors.append(required(f"{path}.http.paths"))
    for index, item in enumerate(paths):
        _check_path(errors, f"{path}.http.paths[{index}]", item)


def _check_host(errors: Errors, path: str, host: str) -> None:
    check_rule(errors, path, host, names.wildcard_subdomain if "*" in host else names.dns_subdomain)


def _check_path(errors: Errors, path: str, item: Mapping[str, Any]) -> None:
    kind, value = item.get("pathType"), item.get("path") or ""
    if kind is None:
        errors.append(required(f"{path}.pathType", "pathType must be specified"))
        return
    if kind not in _PATH_TYPES:
        errors.append(not_supported(f"{path}.pathType", kind, _PATH_TYPES))
    elif not value.startswith("/") and (value or kind != "ImplementationSpecific"):
        errors.append(invalid(f"{path}.path", value, "must be an absolute path"))
    if kind in ("Exact", "Prefix"):
        for part in _SEQUENCES:
            if part in value:
                errors.append(invalid(f"{path}.path", value, f"must not contain '{part}'"))
        for part in _SUFFIXES:
            if value.endswith(part):
                errors.append(invalid(f"{path}.path", value, f"cannot end with '{part}'"))
    _check_backend(errors, f"{path}.backend", item.get("backend") or {})


def _check_backend(errors: Errors, path: str, backend: Mapping[str, Any]) -> None:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        errors.append(invalid(path, "", "cannot set both resource and service backends"))
    elif resource is not None:
        _check_reference(errors, f"{path}.resource", resource)
    elif service is not None:
        _check_service(errors, path, service)
    else:
        errors.append(invalid(path, "", "resource or service backend is required"))


def _check_service(errors: Errors, path: str, service: Mapping[str, Any]) -> None:
    if name := service.get("name"):
        check_rule(errors, f"{path}.service.name", name, names.dns_label)
    else:
        errors.append(required(f"{path}.service.name"))
    port = service.get("port") or {}
    name, number = port.get("name"), port.get("number")
    if name and number:
        errors.append(invalid(path, "", "cannot set both port name & port number"))
    elif name:
        check_rule(errors, f"{path}.service.port.name", name, names.port_name)
    elif number:
        check_port(errors, f"{path}.service.port.number", number)
    else:
        errors.append(required(path, "port name or number is required"))


def _check_reference(errors: Errors, path: str, reference: Mapping[str, Any]) -> None:
    if (group := reference.get("apiGroup")) is not None:
        check_rule(errors, f"{path}.apiGroup", group, names.dns_subdomain)
    for field in ("kind", "name"):
        if value := reference.get(field):
            check_rule(errors, f"{path}.{field}", value, names.path_segment)
        else:
            errors.append(required(f"{path}.{field}"))


def _check_tls(errors: Errors, entries: Sequence[Mapping[str, Any]], *, any_secret: bool) -> None:
    for index, entry in enumerate(entries):
        for position, host in enumerate(entry.get("hosts") or ()):
            _check_host(errors, f"spec.tls[{index}].hosts[{position}]", host)
        if (secret := entry.get("secretName")) and not any_secret:
            check_rule(errors, f"spec.tls[{index}].secretName", secret, names.dns_subdomain)


def _had_odd_secret(old: Mapping[str, Any] | None) -> bool:
    """Names that were stored before they were checked stay."""
    entries = (old or {}).get("tls") or ()
    return any(entry.get("secretName") and names.dns_subdomain(entry["secretName"]) for entry in entries)
