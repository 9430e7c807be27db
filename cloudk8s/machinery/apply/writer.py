"""Who writes, and what of an object nobody owns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.machinery.apply import fieldset
from cloudk8s.machinery.apply.fieldset import FieldSet
from cloudk8s.machinery.apply.managed_fields import Entry, Operation

_UNOWNED_METADATA: Final = (
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
    "resourceVersion",
)  # fmt: skip
_UNOWNED_NAMES: Final = frozenset(_UNOWNED_METADATA)
UNOWNED: Final = fieldset.of_fields(
    "apiVersion", "kind", "metadata", *(f"metadata.{name}" for name in _UNOWNED_METADATA)
)
"""Fields that no manager ever owns."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the manager's name, through which subresource, and which fields the write cannot change there."""

    manager: str
    subresource: str = ""
    reset_fields: FieldSet = field(default_factory=dict)

    def entry(self, operation: Operation, api_version: str, fields: FieldSet, time: str | None = None) -> Entry:
        return Entry(self.manager or "unknown", operation, api_version, fields, self.subresource, time)


def subject(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without what nobody owns, which would only be compared in vain."""
    metadata = obj.get("metadata") or {}
    subject = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}
    subject["metadata"] = {key: value for key, value in metadata.items() if key not in _UNOWNED_NAMES}
    return subject
