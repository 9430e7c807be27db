"""LimitRanges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.resources import check_container_name, check_name, is_overcommit_allowed
from cloudk8s.api.validation.values import Errors
from cloudk8s.machinery.quantity import Quantity, parse

_TYPES: Final = frozenset({"Pod", "Container", "PersistentVolumeClaim"})
_SIDES: Final = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_ONE: Final = Quantity.of(1)
_COMPARISONS: Final = (
    # smaller, larger, where a finding is, which side it shows, how they are called
    ("min", "max", "min", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest",
     "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)  # fmt: skip

Sides = dict[str, Quantity]


def check_limit_range_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    seen: set[str] = set()
    for index, limit in enumerate(spec.get("limits") or ()):
        path, kind = f"spec.limits[{index}]", limit.get("type") or ""
        _check_type(errors, f"{path}.type", kind)
        if kind in seen:
            errors.append(duplicate(f"{path}.type", kind))
        seen.add(kind)
        _check_limit(errors, path, limit, kind)


def _check_type(errors: Errors, path: str, kind: str) -> None:
    if messages := names.qualified_name(kind):
        errors.extend(invalid(path, kind, text) for text in messages)
    elif "/" not in kind and kind not in _TYPES:
        errors.append(invalid(path, kind, "must be a standard limit type or fully qualified"))


def _check_limit(errors: Errors, path: str, limit: Mapping[str, Any], kind: str) -> None:
    amounts: dict[str, Sides] = {}
    for side in _SIDES:
        if kind == "Pod" and side in ("default", "defaultRequest"):
            if limit.get(side):
                errors.append(forbidden(f"{path}.{side}", "may not be specified when `type` is 'Pod'"))
            continue
        if side == "maxLimitRequestRatio" and kind == "PersistentVolumeClaim":
            _check_storage(errors, f"{path}.limits", limit)
        for name, amount in (limit.get(side) or {}).items():
            _check_resource(errors, f"{path}.{side}[{name}]", name, kind)
            amounts.setdefault(name, {})[side] = parse(amount)
    for name in sorted(amounts):
        _check_amounts(errors, path, name, amounts[name])


def _check_storage(errors: Errors, path: str, limit: Mapping[str, Any]) -> None:
    if "storage" not in (limit.get("min") or {}) and "storage" not in (limit.get("max") or {}):
        text = "either minimum or maximum storage value is required, but neither was provided"
        errors.append(required(path, text))


def _check_resource(errors: Errors, path: str, name: str, kind: str) -> None:
    if kind in ("Pod", "Container"):
        check_container_name(errors, path, name)
    else:
        check_name(errors, path, name)


def _check_amounts(errors: Errors, path: str, name: str, sides: Sides) -> None:
    for smaller, larger, at, shown, text in _COMPARISONS:
        low, high = sides.get(smaller), sides.get(larger)
        if low is not None and high is not None and high < low:
            errors.append(invalid(f"{path}.{at}[{name}]", str(sides[shown]), text.format(low, high)))
    _check_ratio(errors, f"{path}.maxLimitRequestRatio[{name}]", sides)
    limit, request = sides.get("default"), sides.get("defaultRequest")
    if limit is not None and request is not None and limit != request and not is_overcommit_allowed(name):
        text = f"default value {limit} must equal to defaultRequest value {request} in {name}"
        errors.append(invalid(f"{path}.defaultRequest[{name}]", str(request), text))


def _check_ratio(errors: Errors, path: str, sides: Sides) -> None:
    ratio = sides.get("maxLimitRequestRatio")
    if ratio is None:
        return
    if ratio < _ONE:
        errors.append(invalid(path, str(ratio), f"ratio {ratio} is less than 1"))
    low, high = sides.get("min"), sides.get("max")
    if low is not None and high is not None:
        largest = float(high) / float(low) if low else float("inf")
        if float(ratio) > largest:
            errors.append(invalid(path, str(ratio), f"ratio {ratio} is greater than max/min = {largest:f}"))
