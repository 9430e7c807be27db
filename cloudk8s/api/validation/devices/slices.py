"""ResourceSlices: the devices of a driver's pool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.devices.claims import check_attribute_name
from cloudk8s.api.validation.devices.lists import Item, check_named
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.selectors import check_node_selector
from cloudk8s.api.validation.values import Errors, check_immutable, check_rule
from cloudk8s.api.validation.volume_sources import check_driver_name

_DEVICES_MAX: Final = 128
_DETAILED_DEVICES_MAX: Final = 64
"""How many devices with taints or counters there are at most."""
_PROPERTIES_MAX: Final = 32
_POOL_NAME_MAX: Final = 253
_VALUE_MAX: Final = 64
_VALUES: Final = ("bool", "int", "string", "version")
_WHERE: Final = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_SEMANTIC_VERSION: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(\+([0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*))?",
    re.ASCII,
)


def check_slice_spec(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
    check_driver_name(errors, "spec.driver", spec.get("driver") or "")
    pool = spec.get("pool") or {}
    _check_pool(errors, "spec.pool", pool)
    if old is not None:
        before = old.get("pool") or {}
        check_immutable(errors, "spec.pool.name", pool.get("name") or "", before.get("name") or "")
        check_immutable(errors, "spec.driver", spec.get("driver"), old.get("driver"))
        check_immutable(errors, "spec.nodeName", spec.get("nodeName"), old.get("nodeName"))
    _check_place(errors, spec)
    devices = spec.get("devices") or ()
    detailed = any(device.get("taints") or device.get("consumesCounters") for device in devices)
    check_named(errors, "spec.devices", devices, _check_device, _DETAILED_DEVICES_MAX if detailed else _DEVICES_MAX)


def _check_pool(errors: Errors, path: str, pool: Item) -> None:
    if name := pool.get("name"):
        if len(name) > _POOL_NAME_MAX:
            errors.append(too_long(f"{path}.name", _POOL_NAME_MAX))
        for part in name.split("/"):
            check_rule(errors, f"{path}.name", part, names.dns_subdomain)
    else:
        errors.append(required(f"{path}.name"))
    if (count := pool.get("resourceSliceCount") or 0) <= 0:
        errors.append(invalid(f"{path}.resourceSliceCount", count, "must be greater than zero"))
    if (generation := pool.get("generation") or 0) < 0:
        errors.append(invalid(f"{path}.generation", generation, "must be greater than or equal to zero"))


def _check_place(errors: Errors, spec: Mapping[str, Any]) -> None:
    """Where the devices can be used: said in one of four ways."""
    said = []
    if (node := spec.get("nodeName")) is not None:
        if node:
            said.append("`nodeName`")
            check_rule(errors, "spec.nodeName", node, names.dns_subdomain)
        else:
            errors.append(invalid("spec.nodeName", node, "must be either unset or set to a non-empty string"))
    if (selector := spec.get("nodeSelector")) is not None:
        said.append("`nodeSelector`")
        check_node_selector(errors, "spec.nodeSelector", selector)
        terms = selector.get("nodeSelectorTerms") or []
        if len(terms) != 1:
            shown = go_json(terms, "[]NodeSelectorTerm")
            text = "must have exactly one node selector term"
            errors.append(invalid("spec.nodeSelector.nodeSelectorTerms", shown, text))
    for field in ("allNodes", "perDeviceNodeSelection"):
        if (flag := spec.get(field)) is True:
            said.append(f"`{field}`")
        elif flag is False:
            errors.append(invalid(f"spec.{field}", flag, "must be either unset or set to true"))
    if not said:
        errors.append(required("spec", _WHERE))
    elif len(said) > 1:
        errors.append(invalid("spec", "{" + ", ".join(said) + "}", f"{_WHERE}, but multiple fields are set"))


def _check_device(errors: Errors, path: str, device: Item) -> None:
    check_rule(errors, f"{path}.name", device.get("name") or "", names.dns_label)
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    for name, attribute in attributes.items():
        check_attribute_name(errors, f"{path}.attributes", name, qualified=False)
        _check_attribute(errors, f"{path}.attributes[{name}]", attribute)
    for name in capacity:
        check_attribute_name(errors, f"{path}.capacity", name, qualified=False)
    if (count := len(attributes) + len(capacity)) > _PROPERTIES_MAX:
        text = f"the total number of attributes and capacities must not exceed {_PROPERTIES_MAX}"
        errors.append(invalid(path, count, text))


def _check_attribute(errors: Errors, path: str, attribute: Item) -> None:
    given = [field for field in _VALUES if attribute.get(field) is not None]
    if not given:
        errors.append(required(path, "exactly one value must be specified"))
    elif len(given) > 1:
        errors.append(invalid(path, go_json(attribute, "DeviceAttribute"), "exactly one value must be specified"))
    for field in ("string", "version"):
        value = attribute.get(field)
        if value is not None and len(value) > _VALUE_MAX:
            errors.append(too_long(f"{path}.{field}", _VALUE_MAX))
    version = attribute.get("version")
    if version is not None and not _SEMANTIC_VERSION.fullmatch(version):
        text = "must be a string compatible with semver.org spec 2.0.0"
        errors.append(invalid(f"{path}.version", version, text))
