"""The scale subresource of custom resources: an autoscaling/v1 Scale read from and written to the paths given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.custom.paths import read_path, write_path
from cloudk8s.api.field_errors import FieldError, invalid
from cloudk8s.api.resource import Object
from cloudk8s.machinery import codec

_MAX: Final = 2**31 - 1
_METADATA: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


class NoReplicas(LookupError):
    """The object does not say how many replicas it wants; the message is upstream's."""


def scale_of(obj: Object, given: Mapping[str, Any]) -> Object:
    """The Scale of an object; raises NoReplicas."""
    replicas = read_path(obj, given["specReplicasPath"])
    if replicas is None:
        raise NoReplicas(f'the spec replicas field "{given["specReplicasPath"]}" does not exist')
    status = {"replicas": read_path(obj, given["statusReplicasPath"]) or 0}
    if given.get("labelSelectorPath") and (selector := read_path(obj, given["labelSelectorPath"])):
        status["selector"] = selector
    metadata = {key: obj["metadata"][key] for key in _METADATA if key in obj["metadata"]}
    spec = {"replicas": replicas} if replicas else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


def with_scale(obj: Object, scale: Object, given: Mapping[str, Any]) -> Object:
    """A copy of the object with the replicas that a Scale asks for, at the Scale's resource version if it has one."""
    changed: Object = codec.copy(obj)
    write_path(changed, given["specReplicasPath"], (scale.get("spec") or {}).get("replicas", 0))
    if version := (scale.get("metadata") or {}).get("resourceVersion"):
        changed["metadata"]["resourceVersion"] = version
    return changed


def validate(obj: Object, given: Mapping[str, Any] | None) -> list[FieldError]:
    """Counts of replicas are 32-bit and not negative; the selector is text."""
    if given is None:
        return []
    found: list[FieldError] = []
    for path in (given["specReplicasPath"], given["statusReplicasPath"]):
        found += _count(read_path(obj, path), path)
    path = given.get("labelSelectorPath")
    selector = read_path(obj, path) if path else None
    if selector is not None and not isinstance(selector, str):
        found.append(invalid(path or "", selector, "should be a string"))
    return found


def _count(value: Any, path: str) -> list[FieldError]:
    if value is None:
        return []
    if isinstance(value, bool) or not isinstance(value, int):
        return [invalid(path, value, "should be an integer")]
    if value < 0:
        return [invalid(path, value, "should be a non-negative integer")]
    return [invalid(path, value, f"should be less than or equal to {_MAX}")] if value > _MAX else []
