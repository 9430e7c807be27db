"""Probes and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors, check_non_negative, check_port, check_port_or_name, check_rule

_SCHEMES: Final = frozenset({"HTTP", "HTTPS"})
_COUNTS: Final = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_PROBE_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "sleep")


def check_probes(errors: Errors, path: str, container: Mapping[str, Any], grace: int | None) -> None:
    if (probe := container.get("livenessProbe")) is not None:
        _check_probe(errors, f"{path}.livenessProbe", probe, grace, once=True)
    if (probe := container.get("readinessProbe")) is not None:
        _check_probe(errors, f"{path}.readinessProbe", probe, grace, once=False)
        if (seconds := probe.get("terminationGracePeriodSeconds")) is not None:
            at = f"{path}.readinessProbe.terminationGracePeriodSeconds"
            errors.append(invalid(at, seconds, "must not be set for readinessProbes"))
    if (probe := container.get("startupProbe")) is not None:
        _check_probe(errors, f"{path}.startupProbe", probe, grace, once=True)


def check_lifecycle(errors: Errors, path: str, lifecycle: Mapping[str, Any], grace: int | None) -> None:
    for hook in ("postStart", "preStop"):
        if (handler := lifecycle.get(hook)) is not None:
            _check_handler(errors, f"{path}.{hook}", handler, grace, _HOOK_HANDLERS)


def _check_probe(errors: Errors, path: str, probe: Mapping[str, Any], grace: int | None, *, once: bool) -> None:
    _check_handler(errors, path, probe, grace, _PROBE_HANDLERS)
    for key in _COUNTS:
        if (value := probe.get(key)) is not None and value < 0:
            check_non_negative(errors, f"{path}.{key}", value)
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        errors.append(invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0"))
    if once and (threshold := probe.get("successThreshold", 0)) != 1:
        errors.append(invalid(f"{path}.successThreshold", threshold, "must be 1"))


def _check_handler(
    errors: Errors, path: str, handler: Mapping[str, Any], grace: int | None, kinds: tuple[str, ...]
) -> None:
    found = 0
    for kind in kinds:
        action = handler.get(kind)
        if action is None:
            continue
        found += 1
        if found > 1:
            errors.append(forbidden(f"{path}.{kind}", "may not specify more than 1 handler type"))
        else:
            _check_action(errors, f"{path}.{kind}", kind, action, grace)
    if not found:
        errors.append(required(path, "must specify a handler type"))


def _check_action(errors: Errors, path: str, kind: str, action: Mapping[str, Any], grace: int | None) -> None:
    if kind == "exec":
        if not action.get("command"):
            errors.append(required(f"{path}.command"))
    elif kind == "httpGet":
        _check_http_get(errors, path, action)
    elif kind == "tcpSocket":
        check_port_or_name(errors, f"{path}.port", action.get("port"))
    elif kind == "grpc":
        check_port(errors, f"{path}.port", action.get("port") or 0)
    else:
        seconds = action.get("seconds") or 0
        if grace is not None and not 0 <= seconds <= grace:
            text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            errors.append(invalid(path, seconds, text))


def _check_http_get(errors: Errors, path: str, action: Mapping[str, Any]) -> None:
    if not action.get("path"):
        errors.append(required(f"{path}.path"))
    check_port_or_name(errors, f"{path}.port", action.get("port"))
    if (scheme := action.get("scheme") or "") not in _SCHEMES:
        errors.append(not_supported(f"{path}.scheme", scheme, _SCHEMES))
    for header in action.get("httpHeaders") or ():
        check_rule(errors, f"{path}.httpHeaders", header.get("name") or "", names.http_header)
