"""CSIDrivers, CSINodes, CSIStorageCapacities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, invalid, not_supported, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_immutable, check_non_negative, check_rule
from cloudk8s.api.validation.volume_sources import check_driver_name
from cloudk8s.machinery.quantity import parse

_FS_GROUP_POLICIES: Final = frozenset({"File", "None", "ReadWriteOnceWithFSType"})
_LIFECYCLES: Final = frozenset({"Ephemeral", "Persistent"})
_TOKEN_MIN: Final = 600
_TOKEN_MAX: Final = 1 << 32
_UPDATE_PERIOD_MIN: Final = 10
_NODE_ID_BYTES: Final = 256


def check_driver_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    for field in ("attachRequired", "podInfoOnMount", "storageCapacity"):
        if spec.get(field) is None:
            errors.append(required(f"spec.{field}"))
    if (policy := spec.get("fsGroupPolicy")) is None:
        errors.append(required("spec.fsGroupPolicy"))
    elif policy not in _FS_GROUP_POLICIES:
        errors.append(not_supported("spec.fsGroupPolicy", policy, _FS_GROUP_POLICIES))
    check_token_requests(errors, spec.get("tokenRequests") or ())
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in _LIFECYCLES:
            errors.append(not_supported("spec.volumeLifecycleModes", mode, _LIFECYCLES))
    if spec.get("seLinuxMount") is None:
        errors.append(required("spec.seLinuxMount"))
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _UPDATE_PERIOD_MIN:
        text = f"must be greater than or equal to {_UPDATE_PERIOD_MIN} seconds"
        errors.append(invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, text))


def check_driver_changes(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    # Upstream's path has the typo.
    check_immutable(errors, "spec.attachedRequired", spec.get("attachRequired"), old.get("attachRequired"))
    modes, before = spec.get("volumeLifecycleModes"), old.get("volumeLifecycleModes")
    check_immutable(errors, "spec.volumeLifecycleModes", modes, before)
    check_token_requests(errors, spec.get("tokenRequests") or ())


def check_token_requests(errors: Errors, requests: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for index, request in enumerate(requests):
        path, audience = f"spec.tokenRequests[{index}]", request.get("audience") or ""
        if audience in seen:
            errors.append(duplicate(f"{path}.audience", audience))
            continue
        seen.add(audience)
        if (seconds := request.get("expirationSeconds")) is None:
            continue
        if seconds < _TOKEN_MIN:
            text = "may not specify a duration less than 10 minutes"
            errors.append(invalid(f"{path}.expirationSeconds", seconds, text))
        if seconds > _TOKEN_MAX:
            text = "may not specify a duration larger than 2^32 seconds"
            errors.append(invalid(f"{path}.expirationSeconds", seconds, text))


def check_node_drivers(errors: Errors, drivers: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for index, driver in enumerate(drivers):
        path, name, node = f"spec.drivers[{index}]", driver.get("name") or "", driver.get("nodeID") or ""
        check_driver_name(errors, f"{path}.name", name)
        if not node:
            errors.append(required(f"{path}.nodeID"))
        if len(node.encode()) > _NODE_ID_BYTES:
            errors.append(too_long(f"{path}.nodeID", _NODE_ID_BYTES))
        check_non_negative(errors, f"{path}.allocatable.count", (driver.get("allocatable") or {}).get("count"))
        if name in seen:
            errors.append(duplicate(f"{path}.name", name))
        seen.add(name)
        _check_topology_keys(errors, path, driver.get("topologyKeys") or [])


def check_node_drivers_kept(
    errors: Errors, drivers: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]
) -> None:
    """Of a driver that stays, only what it can hold may change."""
    for before in old:
        for driver in drivers:
            fixed, was = ({k: v for k, v in item.items() if k != "allocatable"} for item in (driver, before))
            if driver.get("name") == before.get("name") and fixed != was:
                errors.append(invalid("CSINodeDriver", go_json(driver, "CSINodeDriver"), names.IMMUTABLE))


def check_capacity(errors: Errors, obj: Mapping[str, Any]) -> None:
    check_label_selector(errors, "nodeTopology", obj.get("nodeTopology"))
    check_rule(errors, "storageClassName", obj.get("storageClassName") or "", names.dns_subdomain)
    for field in ("capacity", "maximumVolumeSize"):
        amount = obj.get(field)
        if amount is not None and (quantity := parse(amount)).nanos < 0:
            errors.append(invalid(field, str(quantity), names.NON_NEGATIVE))


def check_capacity_kept(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    topology = new.get("nodeTopology")
    shown = go_json(topology, "*LabelSelector")
    check_immutable(errors, "nodeTopology", topology, old.get("nodeTopology"), shown)
    check_immutable(errors, "storageClassName", new.get("storageClassName"), old.get("storageClassName"))


def _check_topology_keys(errors: Errors, path: str, keys: list[str]) -> None:
    for index, key in enumerate(keys):
        if not key:
            errors.append(required(path))
        if key in keys[:index]:
            errors.append(duplicate(path, key))
        errors.extend(invalid(path, keys, text) for text in names.qualified_name(key))
