"""The simple paths that definitions use: `.spec.replicas`, with no lists and nothing quoted."""

from __future__ import annotations

from typing import Any


def read_path(obj: dict[str, Any], path: str) -> Any:
    """The value at a path; None where there is nothing."""
    value: Any = obj
    for part in path.strip(".").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def write_path(obj: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a path, making what leads to it."""
    *parents, last = path.strip(".").split(".")
    for part in parents:
        inner = obj.get(part)
        if not isinstance(inner, dict):
            inner = obj[part] = {}
        obj = inner
    obj[last] = value
