"""Managed fields of a `scale` subresource: the part of the parent's that owns the replica count, and back.

A scale is managed as an object of its own (`autoscaling/v1` Scale). Around a write, `to_scale` makes its managed fields
from the parent's, and `to_parent` carries what came of them over to the parent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from cloudk8s.machinery.apply import fieldset, managed_fields
from cloudk8s.machinery.apply.managed_fields import Entry, Managers

SCALE_VERSION: Final = "autoscaling/v1"
_REPLICAS: Final = fieldset.of_fields("spec.replicas")

ReplicaPaths: TypeAlias = Mapping[str, Sequence[str] | None]
"""By API version of the parent, where it keeps its replica count, as path elements; None where it has none."""


def to_scale(entries: Sequence[Mapping[str, Any]] | None, paths: ReplicaPaths) -> list[dict[str, Any]]:
    """The managed fields of the scale: who owns the replica count of the parent. Raises ManagedFieldsError."""
    owners: Managers = {}
    for identity, entry in managed_fields.decode(entries, is_trusted=True).items():
        path = paths.get(entry.api_version)
        if path is not None and fieldset.has(entry.fields, path):
            owners[identity] = _moved(entry, SCALE_VERSION, _REPLICAS, entry.time)
    return managed_fields.encode(owners)


def to_parent(
    entries: Sequence[Mapping[str, Any]] | None,
    scale_entries: Sequence[Mapping[str, Any]] | None,
    paths: ReplicaPaths,
    api_version: str,
) -> list[dict[str, Any]]:
    """The parent's managed fields after a write through its scale; who is new there is new here, without a time."""
    parent = managed_fields.decode(entries, is_trusted=True)
    scale = managed_fields.decode(scale_entries, is_trusted=True)
    result: Managers = {}
    for identity, entry in parent.items():
        if entry.api_version not in paths:
            continue
        path = paths[entry.api_version]
        if path is None or identity in scale or not fieldset.has(entry.fields, path):
            result[identity] = entry
            continue
        rest = fieldset.difference(entry.fields, fieldset.of_paths([path]))
        if rest:
            result[identity] = entry.owning(rest)
    own = paths[api_version]
    for identity, entry in scale.items():
        if identity not in parent and own is not None:
            result[identity] = _moved(entry, api_version, fieldset.of_paths([own]), None)
    return managed_fields.encode(result)


def _moved(entry: Entry, api_version: str, fields: fieldset.FieldSet, time: str | None) -> Entry:
    return Entry(entry.manager, entry.operation, api_version, fields, entry.subresource, time)
