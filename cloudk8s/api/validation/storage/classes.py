"""StorageClasses and VolumeAttributesClasses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, not_supported, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.selectors import check_topology_terms
from cloudk8s.api.validation.values import Errors, check_immutable

_PARAMETERS_MAX: Final = 512
_PARAMETERS_BYTES: Final = 256 * 1024
_POLICIES: Final = frozenset({"Delete", "Retain"})
_MODES: Final = frozenset({"Immediate", "WaitForFirstConsumer"})
_FIXED: Final = ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")


def check_storage_class(errors: Errors, obj: Mapping[str, Any]) -> None:
    _check_provisioner(errors, "provisioner", obj.get("provisioner") or "")
    _check_parameters(errors, obj.get("parameters") or {})
    if (policy := obj.get("reclaimPolicy")) and policy not in _POLICIES:
        errors.append(not_supported("reclaimPolicy", policy, _POLICIES))
    mode = obj.get("volumeBindingMode")
    if mode is None:
        errors.append(required("volumeBindingMode"))
    elif mode not in _MODES:
        errors.append(not_supported("volumeBindingMode", mode, _MODES))
    check_topology_terms(errors, "allowedTopologies", obj.get("allowedTopologies") or ())


def check_storage_class_kept(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    for field in _FIXED:
        check_kept(errors, new, old, field)


def check_attributes_class(errors: Errors, obj: Mapping[str, Any]) -> None:
    _check_provisioner(errors, "driverName", obj.get("driverName") or "")
    _check_parameters(errors, obj.get("parameters") or {})
    if not obj.get("parameters"):
        errors.append(required("parameters", "must contain at least one key/value pair"))


def check_kept(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any], field: str) -> None:
    value = new.get(field)
    shown = go_json(value, "map:string") if field == "parameters" else value or ""
    check_immutable(errors, field, value, old.get(field), shown)


def _check_provisioner(errors: Errors, path: str, name: str) -> None:
    if name:
        errors.extend(invalid(path, name, text) for text in names.qualified_name(name.lower()))
    else:
        errors.append(required(path))


def _check_parameters(errors: Errors, parameters: Mapping[str, str]) -> None:
    if len(parameters) > _PARAMETERS_MAX:
        errors.append(too_long("parameters", _PARAMETERS_MAX))
        return
    for key in parameters:
        if not key:
            errors.append(invalid("parameters", key, "field can not be empty."))
    if sum(len(key.encode()) + len(value.encode()) for key, value in parameters.items()) > _PARAMETERS_BYTES:
        errors.append(too_long("parameters", _PARAMETERS_BYTES))
