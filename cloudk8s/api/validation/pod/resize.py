"""Resizing a running pod: only cpu and memory may change, and never the quality of service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.pod.annotations import MIRROR
from cloudk8s.api.validation.pod.known import KnownSpecs
from cloudk8s.api.validation.pod.pod import validate_metadata_and_spec
from cloudk8s.api.validation.values import Errors
from cloudk8s.machinery.quantity import parse

_RESIZABLE: Final = ("cpu", "memory")


def validate_resize(
    new: Mapping[str, Any], old: Mapping[str, Any], known: KnownSpecs, *, quality: str, quality_before: str
) -> Errors:
    """`quality` is what the new resources make of the pod."""
    errors = metadata.validate_update(new["metadata"], old["metadata"])
    errors += validate_metadata_and_spec(new, known)
    spec, before = new["spec"], old["spec"]
    if MIRROR in (old["metadata"].get("annotations") or {}):
        return [forbidden("[]", "static pods cannot be resized")]
    if (before.get("os") or {}).get("name") == "windows":
        return [forbidden("[]", "windows pods cannot be resized")]
    if quality != quality_before:
        shown = (new.get("status") or {}).get("qosClass", "")
        errors.append(invalid("spec", shown, "Pod QOS Class may not change as a result of resizing"))
    if not _node_can_resize(old):
        errors.append(forbidden("spec", "Pod running on node without support for resize"))
    for field in ("initContainers", "containers"):
        pairs = zip(spec.get(field) or (), before.get(field) or (), strict=False)
        for index, (container, was) in enumerate(pairs):
            if field == "containers" or was.get("restartPolicy") == "Always":
                _check_container(errors, f"spec.{field}[{index}].resources", container, was)
    _check_only_compute(errors, spec, before)
    return errors


def _node_can_resize(pod: Mapping[str, Any]) -> bool:
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is not None
    return True


def _check_container(errors: Errors, path: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    for side, text in (("requests", "resource requests"), ("limits", "resource limits")):
        after, before = (((item.get("resources") or {}).get(side)) or {} for item in (new, old))
        if before.keys() - after.keys():
            errors.append(forbidden(f"{path}.{side}", f"{text} cannot be removed"))


def _check_only_compute(errors: Errors, spec: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    for container, was in zip(spec.get("containers") or (), before.get("containers") or (), strict=False):
        if _without_compute(container) != _without_compute(was):
            errors.append(forbidden("spec", "only cpu and memory resources are mutable"))
    for container, was in zip(spec.get("initContainers") or (), before.get("initContainers") or (), strict=False):
        if was.get("restartPolicy") == "Always":
            if _without_compute(container) != _without_compute(was):
                text = "only cpu and memory resources for sidecar containers are mutable"
                errors.append(forbidden("spec", text))
        elif container != was:
            errors.append(forbidden("spec", "resources for non-sidecar init containers are immutable"))


def _without_compute(container: Mapping[str, Any]) -> dict[str, Any]:
    resources = container.get("resources") or {}
    kept = {
        side: {name: parse(amount) for name, amount in (resources.get(side) or {}).items() if name not in _RESIZABLE}
        for side in ("requests", "limits")
    }
    return {**container, "resources": kept | {"claims": resources.get("claims")}}
