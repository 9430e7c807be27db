"""Volume mounts and raw block devices of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_found, not_supported, required
from cloudk8s.api.validation.pod.paths import check_descending, check_no_backsteps
from cloudk8s.api.validation.values import Errors

_PROPAGATION: Final = frozenset({"Bidirectional", "HostToContainer", "None"})
_RECURSIVE: Final = frozenset({"Disabled", "Enabled", "IfPossible"})
_PLAIN: Final = frozenset({"name", "mountPath", "readOnly"})
_UNIQUE: Final = "must be unique"

Volumes = Mapping[str, Mapping[str, Any]]
"""The pod's sound volumes by name."""


def check_mounts(errors: Errors, path: str, container: Mapping[str, Any], volumes: Volumes) -> None:
    devices = {device.get("name", ""): device.get("devicePath", "") for device in container.get("volumeDevices") or ()}
    taken: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        name, target = mount.get("name") or "", mount.get("mountPath") or ""
        if name in volumes and target and target not in taken and not devices and mount.keys() <= _PLAIN:
            taken.add(target)
            continue
        _check_mount(errors, path, index, mount, volumes, devices, taken)
        if mount.get("mountPropagation") is not None:
            _check_propagation(errors, f"{path}.mountPropagation", mount["mountPropagation"], container)
        if mount.get("recursiveReadOnly") is not None:
            _check_recursive(errors, f"{path}.recursiveReadOnly", mount)
        taken.add(target)


def check_devices(errors: Errors, path: str, container: Mapping[str, Any], volumes: Volumes) -> None:
    mounts = {mount.get("name", ""): mount.get("mountPath", "") for mount in container.get("volumeMounts") or ()}
    names: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or ()):
        name, target = device.get("name") or "", device.get("devicePath") or ""
        _check_device(errors, f"{path}[{index}]", name, target, volumes, names, paths)
        if name in mounts:
            errors.append(invalid(f"{path}[{index}].name", name, "must not already exist in volumeMounts"))
        if target in mounts.values():
            text = "must not already exist as a path in volumeMounts"
            errors.append(invalid(f"{path}[{index}].devicePath", target, text))
        if name:
            names.add(name)


def _check_mount(
    errors: Errors,
    path: str,
    index: int,
    mount: Mapping[str, Any],
    volumes: Volumes,
    devices: Mapping[str, str],
    taken: set[str],
) -> None:
    item = f"{path}[{index}]"
    name, target = mount.get("name") or "", mount.get("mountPath") or ""
    if not name:
        errors.append(required(f"{item}.name"))
    if name not in volumes:
        errors.append(not_found(f"{item}.name", name))
    if not target:
        errors.append(required(f"{item}.mountPath"))
    if target in taken:
        errors.append(invalid(f"{item}.mountPath", target, _UNIQUE))
    if name in devices:
        errors.append(invalid(f"{item}.name", name, "must not already exist in volumeDevices"))
    if target in devices.values():
        errors.append(invalid(f"{item}.mountPath", target, "must not already exist as a path in volumeDevices"))
    _check_sub_paths(errors, path, item, mount)


def _check_sub_paths(errors: Errors, path: str, item: str, mount: Mapping[str, Any]) -> None:
    sub_path, expression = mount.get("subPath") or "", mount.get("subPathExpr") or ""
    if sub_path:
        check_descending(errors, f"{path}.subPath", sub_path)
    if expression:
        if sub_path:
            errors.append(invalid(f"{item}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive"))
        check_descending(errors, f"{path}.subPathExpr", expression)


def _check_propagation(errors: Errors, path: str, mode: str, container: Mapping[str, Any]) -> None:
    if mode not in _PROPAGATION:
        errors.append(not_supported(path, mode, _PROPAGATION))
    privileged = (container.get("securityContext") or {}).get("privileged")
    if mode == "Bidirectional" and not privileged:
        errors.append(forbidden(path, "Bidirectional mount propagation is available only to privileged containers"))


def _check_recursive(errors: Errors, path: str, mount: Mapping[str, Any]) -> None:
    mode = mount["recursiveReadOnly"]
    if mode not in _RECURSIVE:
        errors.append(not_supported(path, mode, _RECURSIVE))
    elif mode != "Disabled":
        if not mount.get("readOnly"):
            errors.append(forbidden(path, "may only be specified when readOnly is true"))
        if mount.get("mountPropagation") not in (None, "None"):
            text = "may only be specified when mountPropagation is None or not specified"
            errors.append(forbidden(path, text))


def _check_device(
    errors: Errors, item: str, name: str, target: str, volumes: Volumes, names: set[str], paths: set[str]
) -> None:
    volume = volumes.get(name)
    if not name:
        errors.append(required(f"{item}.name"))
    if name in names:
        errors.append(invalid(f"{item}.name", name, _UNIQUE))
    if volume is None:
        errors.append(not_found(f"{item}.name", name))
    elif not _is_claim(volume):
        text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        errors.append(invalid(f"{item}.name", name, text))
    if not target:
        errors.append(required(f"{item}.devicePath"))
    if target in paths:
        errors.append(invalid(f"{item}.devicePath", target, _UNIQUE))
    backsteps: Errors = []
    check_no_backsteps(backsteps, item, target)
    if target and backsteps:
        errors.append(invalid(f"{item}.devicePath", target, "can not contain backsteps ('..')"))
    else:
        paths.add(target)


def _is_claim(volume: Mapping[str, Any]) -> bool:
    return volume.get("persistentVolumeClaim") is not None or volume.get("ephemeral") is not None
