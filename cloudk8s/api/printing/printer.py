"""Tables of objects: finds the kind's printer and builds the meta.k8s.io Table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudk8s.api.resource import Column, Object, ResourceType
from cloudk8s.machinery.clock import Clock

_NAME = Column(
    "Name",
    "string",
    "name",
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    "idempotence and configuration definition. Cannot be updated. "
    "More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
)
_CREATED = Column(
    "Created At",
    "date",
    "",
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. "
    "More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
)


class Printer:
    """Builds tables; `clock` tells ages."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def table(
        self, resource: ResourceType, objects: Sequence[Object], *, include: str = "Metadata", version: str = "v1"
    ) -> Object:
        """A Table with one row for each object; `include` is None, Metadata or Object."""
        columns = [_NAME, _CREATED]
        rows = [self._row(obj, self._cells(obj), include, version) for obj in objects]
        return {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{version}",
            "metadata": {},
            "columnDefinitions": [_definition(column) for column in columns],
            "rows": rows,
        }

    @staticmethod
    def _cells(obj: Object) -> list[Any]:
        return [obj["metadata"]["name"], obj["metadata"]["creationTimestamp"]]

    @staticmethod
    def _row(obj: Object, cells: list[Any], include: str, version: str) -> Object:
        row: Object = {"cells": cells}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            kind, api_version = "PartialObjectMetadata", f"meta.k8s.io/{version}"
            row["object"] = {"kind": kind, "apiVersion": api_version, "metadata": obj["metadata"]}
        else:
            row["object"] = None
        return row


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }
