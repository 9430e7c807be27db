"""Webhook configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from cloudk8s.api.field_errors import duplicate, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.admission.rules import (
    FAILURE_POLICIES,
    MATCH_POLICIES,
    check_match_conditions,
    check_operations,
)
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_fully_qualified, check_optional, check_rule

_SIDE_EFFECTS: Final = frozenset({"None", "NoneOnDryRun"})
_REINVOCATIONS: Final = frozenset({"IfNeeded", "Never"})
_VERSIONS: Final = ("v1", "v1beta1")
_TIMEOUT_MAX: Final = 30
_FORM: Final = "; desired format: https://host[/path]"


def check_webhooks(errors: Errors, webhooks: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for index, webhook in enumerate(webhooks):
        path, name = f"webhooks[{index}]", webhook.get("name") or ""
        _check_webhook(errors, path, webhook)
        _check_versions(errors, f"{path}.admissionReviewVersions", webhook.get("admissionReviewVersions") or [])
        if name and name in seen:
            errors.append(duplicate(f"{path}.name", name))
        seen.add(name)


def check_url(errors: Errors, path: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError as error:
        errors.append(required(path, f"url must be a valid URL: {error}{_FORM}"))
        return
    if parts.scheme != "https":
        errors.append(invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}"))
    if not host:
        errors.append(invalid(path, host, f"host must be specified{_FORM}"))
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0]
        errors.append(invalid(path, user, "user information is not permitted in the URL"))
    if parts.fragment:
        errors.append(invalid(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        errors.append(invalid(path, parts.query, "query parameters are not permitted in the URL"))


def check_service(errors: Errors, path: str, service: Mapping[str, Any]) -> None:
    for field in ("name", "namespace"):
        if not service.get(field):
            errors.append(required(f"{path}.{field}", f"service {field} is required"))
    port = service.get("port") or 0
    if messages := names.port_number(port):
        errors.append(invalid(f"{path}.port", port, "port is not valid: " + ", ".join(messages)))
    if service.get("path"):
        _check_path(errors, f"{path}.path", service["path"])


def _check_webhook(errors: Errors, path: str, webhook: Mapping[str, Any]) -> None:
    check_fully_qualified(errors, f"{path}.name", webhook.get("name") or "")
    for index, rule in enumerate(webhook.get("rules") or ()):
        check_operations(errors, f"{path}.rules[{index}]", rule)
    check_optional(errors, f"{path}.failurePolicy", webhook.get("failurePolicy"), FAILURE_POLICIES)
    check_optional(errors, f"{path}.matchPolicy", webhook.get("matchPolicy"), MATCH_POLICIES)
    effects, seconds = webhook.get("sideEffects"), webhook.get("timeoutSeconds")
    if effects is None:
        errors.append(required(f"{path}.sideEffects", "must specify one of None, NoneOnDryRun"))
    elif effects not in _SIDE_EFFECTS:
        errors.append(not_supported(f"{path}.sideEffects", effects, _SIDE_EFFECTS))
    if seconds is not None and not 1 <= seconds <= _TIMEOUT_MAX:
        text = f"the timeout value must be between 1 and {_TIMEOUT_MAX} seconds"
        errors.append(invalid(f"{path}.timeoutSeconds", seconds, text))
    for field in ("namespaceSelector", "objectSelector"):
        check_label_selector(errors, f"{path}.{field}", webhook.get(field))
    check_optional(errors, f"{path}.reinvocationPolicy", webhook.get("reinvocationPolicy"), _REINVOCATIONS)
    _check_client(errors, f"{path}.clientConfig", webhook.get("clientConfig") or {})
    check_match_conditions(errors, f"{path}.matchConditions", webhook.get("matchConditions") or ())


def _check_client(errors: Errors, path: str, client: Mapping[str, Any]) -> None:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        errors.append(required(path, "exactly one of url or service is required"))
    elif url is not None:
        check_url(errors, f"{path}.url", url)
    elif service is not None:
        check_service(errors, f"{path}.service", service)


def _check_versions(errors: Errors, path: str, versions: list[str]) -> None:
    if not versions:
        errors.append(required(path, "must specify one of " + ", ".join(_VERSIONS)))
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(invalid(f"{path}[{index}]", version, "duplicate version"))
        else:
            check_rule(errors, f"{path}[{index}]", version, names.dns_1035_label)
    if not set(versions).intersection(_VERSIONS):
        text = "must include at least one of " + ", ".join(_VERSIONS)
        errors.append(invalid(path, versions, text))


def _check_path(errors: Errors, path: str, value: str) -> None:
    if value == "/":
        return
    if value == "//":
        errors.append(invalid(path, value, "segment[0] may not be empty"))
        return
    if not value.startswith("/"):
        errors.append(invalid(path, value, "must start with a '/'"))
    for index, step in enumerate(value[1:].removesuffix("/").split("/")):
        if not step:
            errors.append(invalid(path, value, f"segment[{index}] may not be empty"))
        for text in names.dns_subdomain(step) if step else ():
            errors.append(invalid(path, value, f"segment[{index}]: {text}"))
