"""Lists as this group checks them: their length, each item, repeated keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, invalid, required, too_long, too_many
from cloudk8s.api.validation.values import Errors
from cloudk8s.api.validation.volume_sources import check_driver_name

Item = Mapping[str, Any]
Check = Callable[[Errors, str, Any], None]

MAX_ITEMS: Final = 32
_EXPRESSION_BYTES: Final = 10 * 1024


def check_each(errors: Errors, path: str, items: Sequence[Any], check: Check, maximum: int = MAX_ITEMS) -> None:
    if len(items) > maximum:
        errors.append(too_many(path, len(items), maximum))
    for index, item in enumerate(items):
        check(errors, f"{path}[{index}]", item)


def check_named(errors: Errors, path: str, items: Sequence[Item], check: Check, maximum: int = MAX_ITEMS) -> None:
    """Items that differ by their name."""
    check_each(errors, path, items, check, maximum)
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = item.get("name") or ""
        if name in seen:
            errors.append(duplicate(f"{path}[{index}].name", name))
        seen.add(name)


def check_selector(errors: Errors, path: str, selector: Item) -> None:
    """Which devices: an expression."""
    if (cel := selector.get("cel")) is None:
        errors.append(required(f"{path}.cel"))
    elif len((cel.get("expression") or "").encode()) > _EXPRESSION_BYTES:
        errors.append(too_long(f"{path}.cel.expression", _EXPRESSION_BYTES))


def check_configuration(errors: Errors, path: str, configuration: Item) -> None:
    """What a driver is told about devices, in its own terms."""
    if (opaque := configuration.get("opaque")) is None:
        errors.append(required(f"{path}.opaque"))
        return
    check_driver_name(errors, f"{path}.opaque.driver", opaque.get("driver") or "")
    parameters = opaque.get("parameters")
    if parameters is None:
        errors.append(required(f"{path}.opaque.parameters"))
    elif not isinstance(parameters, dict):
        text = "parameters must be a valid JSON object"
        errors.append(invalid(f"{path}.opaque.parameters", "<value omitted>", text))
