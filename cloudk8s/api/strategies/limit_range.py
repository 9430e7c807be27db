"""LimitRanges."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class LimitRangeStrategy(BuiltinStrategy):
    """The LimitRange kind: a container's default limit is its maximum, its default request its default limit."""

    allow_create_on_update = True

    def set_defaults(self, obj: Object) -> None:
        for item in spec_of(obj).setdefault("limits", []) or ():
            if item.get("type") == "Container":
                _default_container_limit(item)


def _default_container_limit(item: dict[str, Any]) -> None:
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    if limits:
        item["default"] = limits
    if requests:
        item["defaultRequest"] = requests
