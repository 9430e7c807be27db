"""kubectl's client-side apply annotation, which server-side apply by kubectl reads and keeps in step."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.machinery import codec
from cloudk8s.machinery.apply import fieldset
from cloudk8s.machinery.apply.fieldset import FieldSet
from cloudk8s.machinery.apply.type import Type, TypedError

MANAGER: Final = "kubectl"
ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"
_MAX_BYTES: Final = 256 * 1024


def synced(obj: dict[str, Any], config: dict[str, Any], manager: str) -> dict[str, Any]:
    """The object with the annotation brought up to date, if kubectl applies and the object has it."""
    annotations = obj["metadata"].get("annotations") or {}
    if manager != MANAGER or ANNOTATION not in annotations:
        return obj
    annotations = {**annotations, ANNOTATION: _written(config)}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _MAX_BYTES:
        annotations[ANNOTATION] = ""
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def owned(live: dict[str, Any], type: Type) -> FieldSet | None:
    """What the annotation set and the live object still has as it was; None where there is no such annotation."""
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION)
    if not text:
        return None
    try:
        config = codec.decode(text)
        if not isinstance(config, dict) or type.check(config):
            return None
        changes = type.compare(config, live)
        fields = type.applied(config) or {}
    except (codec.DecodeError, TypedError):
        return None
    for changed in changes:
        fields = fieldset.difference(fields, changed or {})
    return fields


def _written(config: dict[str, Any]) -> str:
    """The configuration as Go's `encoding/json` prints it: sorted, with a line break at the end."""
    metadata = {key: value for key, value in (config.get("metadata") or {}).items() if key != "managedFields"}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != ANNOTATION}
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    text = codec.encode(_sorted({**config, "metadata": metadata})).decode()
    for char, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(char, escape)
    return text + "\n"


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
