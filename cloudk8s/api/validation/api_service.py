"""APIServices."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.api.field_errors import invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors, check_rule


def api_service_name(spec: Mapping[str, Any]) -> Callable[[str], list[str]]:
    """The rule for its name: version and group."""
    wanted = f"{spec.get('version') or ''}.{spec.get('group') or ''}"

    def rule(name: str) -> list[str]:
        if messages := names.path_segment(name):
            return messages
        return [] if name == wanted else [f'must be `spec.version+"."+spec.group`: "{wanted}"']

    return rule


def check_api_service_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    group, version = spec.get("group") or "", spec.get("version") or ""
    if not group and version != "v1":
        text = "only v1 may have an empty group and it better be legacy kube"
        errors.append(required("spec.group", text))
    if group:
        check_rule(errors, "spec.group", group, names.dns_subdomain)
    check_rule(errors, "spec.version", version, names.dns_1035_label)
    for field, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        if not 0 < (value := spec.get(field) or 0) <= most:
            errors.append(invalid(f"spec.{field}", value, f"must be positive and less than {most}"))
    service, trusted = spec.get("service"), spec.get("caBundle") or ""
    skips = bool(spec.get("insecureSkipTLSVerify"))
    if service is None:
        _check_local(errors, trusted, skips=skips)
        return
    for field in ("namespace", "name"):
        if not service.get(field):
            errors.append(required(f"spec.service.{field}"))
    port = service.get("port") or 0
    if messages := names.port_number(port):
        errors.append(invalid("spec.service.port", port, "port is not valid: " + ", ".join(messages)))
    if skips and trusted:
        errors.append(invalid("spec.insecureSkipTLSVerify", True, "may not be true if caBundle is present"))


def _check_local(errors: Errors, trusted: str, *, skips: bool) -> None:
    if trusted:
        shown = f"{len(base64.b64decode(trusted))} bytes"
        errors.append(invalid("spec.caBundle", shown, "local APIServices may not have a caBundle"))
    if skips:
        text = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(invalid("spec.insecureSkipTLSVerify", True, text))
