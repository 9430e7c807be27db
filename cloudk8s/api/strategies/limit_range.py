"""LimitRanges."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.strategies.pod.resource_defaults import round_up
from cloudk8s.api.validation.core.limit_range import check_limit_range_spec
from cloudk8s.machinery import names

_AMOUNTS: Final = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


class LimitRangeStrategy(BuiltinStrategy):
    """The LimitRange kind: a container's default limit is its maximum, its default request its default limit."""

    allow_create_on_update = True

    def set_defaults(self, obj: Object) -> None:
        for item in spec_of(obj).get("limits") or ():
            if item.get("type") == "Container":
                _default_container_limit(item)
            for key in _AMOUNTS:
                round_up(item.get(key))

    def prepare_create(self, obj: Object) -> None:
        """One without a name is given a UID, as upstream does."""
        if not obj["metadata"].get("name"):
            obj["metadata"]["name"] = names.new_uid()

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_limit_range_spec(errors, obj["spec"])


def _default_container_limit(item: dict[str, Any]) -> None:
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    if limits:
        item["default"] = limits
    if requests:
        item["defaultRequest"] = requests
