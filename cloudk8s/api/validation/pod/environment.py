"""Environment variables and where their values come from; field and resource references, also in volumes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors, check_rule
from cloudk8s.machinery.quantity import parse

ENV_FIELDS: Final = frozenset(
    {
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    }
)  # fmt: skip
VOLUME_FIELDS: Final = frozenset(
    {"metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"}
)
_KNOWN_FIELDS: Final = ENV_FIELDS | VOLUME_FIELDS | {"spec.restartPolicy", "spec.schedulerName", "status.phase"}
_RESOURCES: Final = frozenset(
    f"{side}.{name}" for side in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)
_HUGE_PAGES: Final = ("limits.hugepages-", "requests.hugepages-")
_SIZES: Final = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_ONE_OF: Final = (
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
)
_TOO_MANY: Final = "may not have more than one field specified at a time"
_match_subscript = re.compile(r"(metadata\.(?:labels|annotations)|[^\[\]]+)\['(.*)'\]", re.DOTALL).fullmatch


def check_env(errors: Errors, path: str, variables: Sequence[Mapping[str, Any]], volumes: Collection[str]) -> None:
    for index, variable in enumerate(variables):
        name = variable.get("name") or ""
        if not name:
            errors.append(required(f"{path}[{index}].name"))
        elif messages := names.environment_variable(name):
            errors.extend(invalid(f"{path}[{index}].name", name, text) for text in messages)
        if (source := variable.get("valueFrom")) is not None:
            _check_source(errors, f"{path}[{index}].valueFrom", source, variable.get("value") or "", volumes)


def check_env_from(errors: Errors, path: str, sources: Sequence[Mapping[str, Any]]) -> None:
    for index, source in enumerate(sources):
        item = f"{path}[{index}]"
        if prefix := source.get("prefix"):
            check_rule(errors, f"{item}.prefix", prefix, names.environment_variable)
        references = [key for key in ("configMapRef", "secretRef") if source.get(key) is not None]
        for key in references:
            _check_object_name(errors, f"{item}.{key}.name", source[key].get("name") or "")
        if not references:
            errors.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(references) > 1:
            errors.append(invalid(path, "", _TOO_MANY))


def check_field_reference(errors: Errors, path: str, reference: Mapping[str, Any], fields: frozenset[str]) -> None:
    """A downward API field; labels and annotations may be subscripted."""
    version, field = reference.get("apiVersion") or "", reference.get("fieldPath") or ""
    for key, value in (("apiVersion", version), ("fieldPath", field)):
        if not value:
            errors.append(required(f"{path}.{key}"))
            return
    subscripted = _match_subscript(field)
    if problem := _conversion_problem(version, field, subscripted[1] if subscripted else ""):
        errors.append(invalid(f"{path}.fieldPath", field, f"error converting fieldPath: {problem}"))
    elif subscripted and subscripted[1] == "metadata.annotations":
        check_rule(errors, path, subscripted[2].lower(), names.qualified_name)
    elif subscripted:
        check_rule(errors, path, subscripted[2], names.qualified_name)
    elif field not in fields:
        errors.append(not_supported(f"{path}.fieldPath", field, fields))


def check_resource_reference(errors: Errors, path: str, reference: Mapping[str, Any], *, in_volume: bool) -> None:
    """A container's own limit or request."""
    resource = reference.get("resource") or ""
    if in_volume and not reference.get("containerName"):
        errors.append(required(f"{path}.containerName"))
    elif not resource:
        errors.append(required(f"{path}.resource"))
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        errors.append(not_supported(f"{path}.resource", resource, _RESOURCES))
    _check_divisor(errors, f"{path}.divisor", resource, reference.get("divisor", "0"))


def _check_source(errors: Errors, path: str, source: Mapping[str, Any], value: str, volumes: Collection[str]) -> None:
    count = 0
    if (reference := source.get("fieldRef")) is not None:
        count += 1
        check_field_reference(errors, f"{path}.fieldRef", reference, ENV_FIELDS)
    if (reference := source.get("resourceFieldRef")) is not None:
        count += 1
        check_resource_reference(errors, f"{path}.resourceFieldRef", reference, in_volume=False)
    for key in ("configMapKeyRef", "secretKeyRef"):
        if (reference := source.get(key)) is not None:
            count += 1
            _check_key(errors, f"{path}.{key}", reference)
    if (reference := source.get("fileKeyRef")) is not None:
        count += 1
        _check_file_key(errors, f"{path}.fileKeyRef", reference, volumes)
    if count == 0:
        errors.append(invalid(path, "", _ONE_OF))
    elif value:
        errors.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif count > 1:
        errors.append(invalid(path, "", _TOO_MANY))


def _check_key(errors: Errors, path: str, reference: Mapping[str, Any]) -> None:
    check_rule(errors, f"{path}.name", reference.get("name") or "", names.dns_subdomain)
    if key := reference.get("key"):
        check_rule(errors, f"{path}.key", key, names.config_map_key)
    else:
        errors.append(required(f"{path}.key"))


def _check_file_key(errors: Errors, path: str, reference: Mapping[str, Any], volumes: Collection[str]) -> None:
    if key := reference.get("key"):
        check_rule(errors, f"{path}.key", key, names.environment_variable)
    else:
        errors.append(required(f"{path}.key"))
    if not (volume := reference.get("volumeName") or ""):
        errors.append(required(f"{path}.volumeName"))
    elif volume not in volumes:
        errors.append(invalid(f"{path}.volumeName", volume, "must match the name of a volume"))
    if not reference.get("path"):
        errors.append(required(f"{path}.path"))


def _check_object_name(errors: Errors, path: str, name: str) -> None:
    if name:
        check_rule(errors, path, names.without_trailing_dash(name), names.dns_subdomain)
    else:
        errors.append(required(path))


def _conversion_problem(version: str, field: str, subscripted: str) -> str:
    if version != "v1":
        return f"unsupported pod version: {version}"
    if subscripted and subscripted not in ("metadata.labels", "metadata.annotations"):
        return f"field label does not support subscript: {field}"
    if not subscripted and field not in _KNOWN_FIELDS:
        return f"field label not supported: {field}"
    return ""


def _check_divisor(errors: Errors, path: str, resource: str, divisor: Any) -> None:
    amount = parse(divisor)
    if amount.is_zero:
        return
    kind = resource.partition(".")[2]
    if kind == "cpu":
        if str(amount) not in ("1m", "1"):
            errors.append(invalid(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource"))
        return
    label = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(kind)
    label = "hugepages" if resource.startswith(_HUGE_PAGES) else label
    if label and str(amount) not in _SIZES:
        text = f"only divisor's values {', '.join(_SIZES)} are supported with the {label} resource"
        errors.append(invalid(path, resource, text))
