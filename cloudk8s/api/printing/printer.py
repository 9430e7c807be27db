"""Tables of objects: finds the kind's layout and builds the meta.k8s.io Table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing import (
    access,
    batch,
    cluster,
    custom,
    events,
    network,
    pods,
    resource_metrics,
    storage,
    workloads,
)
from cloudk8s.api.printing.layout import AGE, NAME, Heading, Layout
from cloudk8s.api.printing.text import age_of, name_of
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.api.strategies.daemon_set import TEMPLATE_GENERATION
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.schema import Schema

_LAYOUTS: Final = {
    key: layout
    for module in (access, batch, cluster, events, network, pods, resource_metrics, storage, workloads)
    for key, layout in module.TABLE.items()
}


class Printer:
    """Builds tables; `clock` tells ages."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._definitions: dict[ResourceType, list[Object]] = {}

    def table(
        self, resource: ResourceType, objects: Sequence[Object], *, include: str = "Metadata", version: str = "v1"
    ) -> Object:
        """A Table with one row for each object; `include` is None, Metadata or Object."""
        layout, now = _layout(resource), self._clock.now()
        rows = [_row(obj, layout.cells(obj, now), include, version) for obj in objects]
        return {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{version}",
            "metadata": {},
            "columnDefinitions": self._columns(resource, layout),
            "rows": rows,
        }

    def _columns(self, resource: ResourceType, layout: Layout) -> list[Object]:
        found = self._definitions.get(resource)
        if found is None:
            found = [_definition(heading, resource.schema) for heading in layout.headings]
            self._definitions[resource] = found
        return found


def _layout(resource: ResourceType) -> Layout:
    if resource.custom is not None:
        return custom.layout_of(resource)
    layout: Layout = _LAYOUTS.get((resource.group, resource.plural), _DEFAULT)
    return layout


def _default_cells(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), age_of(obj, now)]


_DEFAULT: Final = Layout((NAME, AGE), _default_cells)


def _row(obj: Object, cells: list[Any], include: str, version: str) -> Object:
    conditions = _finished(obj)
    row: Object = {"cells": cells} | ({"conditions": conditions} if conditions else {})
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        kind, api_version = "PartialObjectMetadata", f"meta.k8s.io/{version}"
        row["object"] = {"kind": kind, "apiVersion": api_version, "metadata": _metadata(obj)}
    else:
        row["object"] = None
    return row


def _metadata(obj: Object) -> Object:
    """The object's metadata as upstream holds it: the annotation that counts templates is not part of it there."""
    metadata: Object = obj["metadata"]
    annotations = metadata.get("annotations") or {}
    if obj["kind"] != "DaemonSet" or TEMPLATE_GENERATION not in annotations:
        return metadata
    kept = {key: value for key, value in annotations.items() if key != TEMPLATE_GENERATION}
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return rest | ({"annotations": kept} if kept else {})


def _finished(obj: Object) -> list[Object]:
    """A pod that has ended is marked, so that clients can grey it out."""
    if obj["kind"] != "Pod" or obj["apiVersion"] != "v1":
        return []
    phase = (obj.get("status") or {}).get("phase")
    messages = {
        "Succeeded": "The pod has completed successfully.",
        "Failed": "The pod failed.",
    }
    if phase not in messages:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": messages[phase]}]


def _definition(heading: Heading, schema: Schema) -> Object:
    return {
        "name": heading.name,
        "type": heading.type,
        "format": heading.format,
        "description": _description(heading.about, schema),
        "priority": heading.priority,
    }


def _description(about: str, schema: Schema) -> str:
    """A literal text, or the description of a field; of several paths the first that the type has."""
    if about.startswith("="):
        return about[1:]
    for path in about.split("|"):
        found: Schema | None = schema
        for part in path.split("."):
            properties = found.properties if found is not None else None
            found = properties.get(part) if properties else None
            if found is not None and found.items is not None and part != path.rsplit(".", 1)[-1]:
                found = found.items
        if found is not None:
            return found.description
    return ""
