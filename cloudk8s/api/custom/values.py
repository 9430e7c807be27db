"""Validate values against the value rules of a schema, in the words of upstream's OpenAPI validator.

`compile_validator` makes one function for each node of a schema, once; it takes a value, where it is, and the former
value. What was already so before an update is not an error again (ratcheting): an invalid value that did not change is
let through, as far as the old value can be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from cloudk8s.api.custom.formats import matches_format
from cloudk8s.api.custom.schema import INT_OR_STRING
from cloudk8s.api.field_errors import FieldError, invalid, not_supported, required, too_many, type_invalid
from cloudk8s.machinery import codec, go_text

Validate: TypeAlias = Callable[[Any, str, Any], list[FieldError]]
"""Value, path, old value (or ABSENT) to findings."""

ABSENT: Final = object()
"""There is no old value: a creation, or a list item that cannot be told from others."""


def compile_validator(raw: Mapping[str, Any]) -> Validate:
    """The validator of one node of a schema, its children included."""
    checks = [check for check in (_types(raw), _alternatives(raw), *_scalars(raw), _enum(raw)) if check is not None]
    children = [check for check in (_list(raw), _map(raw)) if check is not None]
    is_nullable = bool(raw.get("nullable"))

    def validate(value: Any, path: str, old: Any) -> list[FieldError]:
        if value is None and is_nullable:
            return []
        found: list[FieldError] = []
        for check in checks:
            found += check(value, path, old)
        if found and old is not ABSENT and old == value:
            found = []
        for check in children:
            found += check(value, path, old)
        return found

    return validate


def _types(raw: Mapping[str, Any]) -> Validate | None:
    expected = ("integer", "string") if raw.get(INT_OR_STRING) else tuple(filter(None, (raw.get("type"),)))
    format = raw.get("format") or ""
    if not expected:
        return None

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        kind, native = _kind_of(value)
        fits = kind in expected or (kind == "integer" and "number" in expected)
        if format and kind not in ("string", "array") and not fits and native != format:
            return [_wrong_type(path, format, native)]
        if format and kind in ("string", "array") and not {"integer", "number"} & set(expected):
            return []
        return [] if fits else [_wrong_type(path, ",".join(expected), kind)]

    return check


def _kind_of(value: Any) -> tuple[str, str]:
    """The JSON type of a value, and the format that Go's number types have."""
    match value:
        case None:
            return "null", ""
        case bool():
            return "boolean", ""
        case int():
            return "integer", "int64"
        case float():
            return ("integer", "double") if value.is_integer() else ("number", "double")
        case str():
            return "string", ""
        case list():
            return "array", ""
    return "object", ""


def _wrong_type(path: str, expected: str, found: str) -> FieldError:
    return type_invalid(path, found, f"{path} in body must be of type {expected}: {go_text.quote(found)}")


def _scalars(raw: Mapping[str, Any]) -> list[Validate | None]:
    return [_length(raw), _pattern(raw), _format(raw), _range(raw), _multiple(raw)]


def _length(raw: Mapping[str, Any]) -> Validate | None:
    low, high = raw.get("minLength"), raw.get("maxLength")
    if low is None and high is None:
        return None

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        if not isinstance(value, str):
            return []
        if high is not None and len(value) > high:
            return [FieldError("FieldValueTooLong", path, f"Too long: may not be more than {high} bytes")]
        if low is not None and len(value) < low:
            return [invalid(path, value, f"{path} in body should be at least {low} chars long")]
        return []

    return check


def _pattern(raw: Mapping[str, Any]) -> Validate | None:
    text = raw.get("pattern")
    if not text:
        return None
    compiled = compile_pattern(text)

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        if not isinstance(value, str) or compiled is None or compiled.search(value):
            return []
        return [invalid(path, value, f"{path} in body should match '{text}'")]

    return check


def compile_pattern(text: str) -> re.Pattern[str] | None:
    """A Go regular expression; None for one that is none."""
    try:
        return re.compile(text.replace(r"\z", r"\Z"))
    except re.error:
        return None


def _format(raw: Mapping[str, Any]) -> Validate | None:
    format = raw.get("format")
    if not format:
        return None

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        if not isinstance(value, str) or matches_format(value, format):
            return []
        detail = f"{path} in body must be of type {format}: {go_text.quote(value)}"
        return [type_invalid(path, value, detail)]

    return check


def _range(raw: Mapping[str, Any]) -> Validate | None:
    low, high = raw.get("minimum"), raw.get("maximum")
    if low is None and high is None:
        return None
    above, below = bool(raw.get("exclusiveMinimum")), bool(raw.get("exclusiveMaximum"))

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return []
        found: list[FieldError] = []
        if high is not None and (value >= high if below else value > high):
            words = "less than" if below else "less than or equal to"
            found.append(invalid(path, value, f"{path} in body should be {words} {_bound(high, value)}"))
        if low is not None and (value <= low if above else value < low):
            words = "greater than" if above else "greater than or equal to"
            found.append(invalid(path, value, f"{path} in body should be {words} {_bound(low, value)}"))
        return found

    return check


def _bound(bound: float, value: float) -> str:
    """Go prints the bound as the type of the value has it."""
    return str(int(bound)) if isinstance(value, int) else go_text.format_float(float(bound))


def _multiple(raw: Mapping[str, Any]) -> Validate | None:
    factor = raw.get("multipleOf")
    if not factor:
        return None

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return []
        quotient = value / factor
        if quotient == int(quotient):
            return []
        return [invalid(path, value, f"{path} in body should be a multiple of {_bound(factor, value)}")]

    return check


def _enum(raw: Mapping[str, Any]) -> Validate | None:
    allowed = raw.get("enum")
    if not allowed:
        return None
    texts = [item if isinstance(item, str) else codec.encode(item).decode() for item in allowed]

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        same = any(_kind_of(item)[0] == _kind_of(value)[0] and item == value for item in allowed)
        return [] if same else [not_supported(path, value, texts)]

    return check


def _list(raw: Mapping[str, Any]) -> Validate | None:
    low, high, items = raw.get("minItems"), raw.get("maxItems"), raw.get("items")
    each = compile_validator(items) if isinstance(items, Mapping) else None
    old_items = _correlation(raw)

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        if not isinstance(value, list):
            return []
        found: list[FieldError] = []
        if each is not None:
            former = old_items(old)
            for index, item in enumerate(value):
                found += each(item, f"{path}[{index}]", former(item))
        if old == value:
            return found
        if low is not None and len(value) < low:
            found.append(invalid(path, len(value), f"{path} in body should have at least {low} items"))
        if high is not None and len(value) > high:
            found.append(too_many(path, len(value), high))
        return found

    return check


def _correlation(raw: Mapping[str, Any]) -> Callable[[Any], Callable[[Any], Any]]:
    """How an item's former value is found: by its keys in a list map, by equality otherwise."""
    keys = tuple(raw.get("x-kubernetes-list-map-keys") or ())
    is_map = raw.get("x-kubernetes-list-type") == "map" and keys

    def identity(item: Any) -> tuple[Any, ...] | None:
        return tuple(codec.encode(item.get(key)) for key in keys) if isinstance(item, dict) else None

    def former_of(old: Any) -> Callable[[Any], Any]:
        if not isinstance(old, list):
            return lambda item: ABSENT
        if is_map:
            known = {identity(item): item for item in old}
            return lambda item: known.get(identity(item), ABSENT)
        return lambda item: next((each for each in old if each == item), ABSENT)

    return former_of


def _map(raw: Mapping[str, Any]) -> Validate | None:
    properties = {key: compile_validator(child) for key, child in (raw.get("properties") or {}).items()}
    additional = raw.get("additionalProperties")
    rest = compile_validator(additional) if isinstance(additional, Mapping) else None
    names, low, high = tuple(raw.get("required") or ()), raw.get("minProperties"), raw.get("maxProperties")
    if not (properties or rest or names or low is not None or high is not None):
        return None

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        if not isinstance(value, dict):
            return []
        former = old if isinstance(old, dict) else {}
        if low is not None and len(value) < low and old != value:
            return [invalid(path, len(value), f"{path} in body should have at least {low} properties")]
        if high is not None and len(value) > high and old != value:
            return [too_many(path, len(value), high)]
        found: list[FieldError] = []
        for key, item in value.items():
            validate = properties.get(key) or rest
            if validate is not None:
                found += validate(item, f"{path}.{key}" if path else key, former.get(key, ABSENT))
        if old != value:
            missing = (name for name in names if name not in value)
            found += [required(f"{path}.{name}" if path else name) for name in missing]
        return found

    return check


def _alternatives(raw: Mapping[str, Any]) -> Validate | None:
    all_of, any_of, one_of = ([compile_validator(item) for item in raw.get(key) or ()] for key in _COMBINATIONS)
    negated = compile_validator(raw["not"]) if isinstance(raw.get("not"), Mapping) else None
    if not (all_of or any_of or one_of or negated):
        return None

    def check(value: Any, path: str, old: Any) -> list[FieldError]:
        found: list[FieldError] = []
        if any_of:
            failures = [item(value, path, ABSENT) for item in any_of]
            if all(failures):
                found.append(_unfit(path, "must validate at least one schema (anyOf)"))
                found += _fewest(failures)
        if one_of:
            found += _one_of(value, path, one_of)
        if all_of:
            failures = [item(value, path, ABSENT) for item in all_of]
            found += [error for errors in failures for error in errors]
            if any(failures):
                tail = "" if not all(failures) else ". None validated"
                found.append(_unfit(path, f"must validate all the schemas (allOf){tail}"))
        if negated is not None and not negated(value, path, ABSENT):
            found.append(_unfit(path, "must not validate the schema (not)"))
        return found

    return check


_COMBINATIONS: Final = ("allOf", "anyOf", "oneOf")


def _one_of(value: Any, path: str, alternatives: list[Validate]) -> list[FieldError]:
    failures = [item(value, path, ABSENT) for item in alternatives]
    valid = sum(1 for errors in failures if not errors)
    if valid == 1:
        return []
    if valid == 0:
        text = "must validate one and only one schema (oneOf). Found none valid"
        return [_unfit(path, text), *_fewest(failures)]
    return [_unfit(path, f"must validate one and only one schema (oneOf). Found {valid} valid alternatives")]


def _fewest(failures: list[list[FieldError]]) -> list[FieldError]:
    """What is wrong with the alternative that comes closest."""
    return sorted(failures, key=len)[0]


def _unfit(path: str, text: str) -> FieldError:
    """A finding about a value as a whole, which upstream does not quote."""
    return invalid("<nil>", "", f'"{path}" {text}')
