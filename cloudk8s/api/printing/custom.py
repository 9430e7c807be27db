"""Custom resources: the columns their definition declares, read by JSONPath."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from cloudk8s.api.printing.json_path import PathError, compile_path
from cloudk8s.api.printing.layout import NAME, Heading, Layout
from cloudk8s.api.printing.text import name_of, since
from cloudk8s.api.resource import Column, Object, ResourceType
from cloudk8s.machinery import codec

_log = logging.getLogger(__name__)
_AGE = Column("Age", "date", description="", json_path=".metadata.creationTimestamp")


def layout_of(resource: ResourceType) -> Layout:
    """Name first, then the declared columns up to the first whose path cannot be read; Age alone without any."""
    readers = list(_readers(columns_of(resource)))
    headings = [NAME, *(_heading(column) for column, _ in readers)]

    def cells(obj: Object, now: datetime) -> list[Any]:
        return [name_of(obj), *(_cell(column, read, obj, now) for column, read in readers)]

    return Layout(headings, cells)


def _readers(columns: list[Column]) -> Iterator[tuple[Column, Callable[[Object], list[Any]]]]:
    for column in columns:
        try:
            yield column, compile_path(column.json_path)
        except PathError as error:
            _log.warning("column %s: %s", column.name, error)
            return


def columns_of(resource: ResourceType) -> list[Column]:
    """The columns of one version of a custom resource."""
    assert resource.custom is not None
    versions = resource.custom["spec"]["versions"]
    version = next(item for item in versions if item["name"] == resource.version)
    declared = version.get("additionalPrinterColumns") or []
    return [_column(item) for item in declared] or [_AGE]


def _column(item: Object) -> Column:
    return Column(
        item["name"],
        item["type"],
        item.get("format", ""),
        item.get("description", ""),
        item.get("priority", 0),
        item["jsonPath"],
    )


def _heading(column: Column) -> Heading:
    text = column.description or f"Custom resource definition column (in JSONPath format): {column.json_path}"
    if column is _AGE:
        return Heading("Age", "metadata.creationTimestamp", "date")
    return Heading(column.name, f"={text}", column.type, column.priority, column.format)


def _cell(column: Column, read: Callable[[Object], list[Any]], obj: Object, now: datetime) -> Any:
    """Upstream's `cellForJSONValue` over the first value that the path finds."""
    found = read(obj)
    if not found or found[0] is None:
        return None
    value = found[0]
    if column.type == "integer":
        return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if column.type == "number":
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if column.type == "boolean":
        return value if isinstance(value, bool) else None
    if column.type == "date":
        return _date(value, now)
    return value if isinstance(value, str) else codec.encode_sorted(value).decode()


def _date(value: Any, now: datetime) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return since(value, now)
    except ValueError:
        return "<invalid>"
