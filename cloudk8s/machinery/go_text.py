"""How Go prints values and types, where one of upstream's messages quotes them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final


def format_value(value: Any) -> str:
    """`%v`: maps as `map[a:1 b:2]` with sorted keys, lists as `[1 2]`, strings bare."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{format_value(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(format_value(item) for item in value)}]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_float(value) if isinstance(value, float) else str(value)


def format_syntax(value: Any) -> str:
    """`%#v`: as Go source, `map[string]interface {}{"a":1}`."""
    if isinstance(value, dict):
        items = ", ".join(f"{quote(key)}:{format_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{items}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(format_syntax, value))}}}"
    if value is None:
        return "interface {}(nil)"
    return quote(value) if isinstance(value, str) else format_value(value)


def format_float(value: float) -> str:
    """`%v` of a float64: the shortest digits that read back, with an exponent below 1e-04 and from 1e+06 on."""
    if math.isinf(value) or math.isnan(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    number = Decimal(repr(value)).normalize()
    exponent = number.adjusted() if value else 0
    if -4 <= exponent < 6:
        return f"{number:f}"
    sign, digits, _ = number.as_tuple()
    text = "".join(map(str, digits))
    mantissa = f"{text[0]}.{text[1:]}" if len(text) > 1 else text
    return f"{'-' if sign else ''}{mantissa}e{exponent:+03d}"


def quote(text: str) -> str:
    """`%q`: double quotes, Go's escapes."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def type_name(value: Any) -> str:
    """The dynamic type of a decoded JSON value, as `%T` prints it."""
    match value:
        case bool():
            return "bool"
        case dict():
            return "map[string]interface {}"
        case list():
            return "[]interface {}"
        case str():
            return "string"
        case int():
            return "int64"
        case float():
            return "float64"
    return "%!s(<nil>)"


def json_type_name(value: Any) -> str:
    """What `encoding/json` calls a JSON value in `json: cannot unmarshal … into Go value of type …`."""
    match value:
        case bool():
            return "bool"
        case dict():
            return "object"
        case list():
            return "array"
        case str():
            return "string"
        case int() | float():
            return "number"
    return "null"


def cannot_unmarshal(value: Any, go_type: str) -> str:
    """The message for a JSON value of the wrong type."""
    return f"json: cannot unmarshal {json_type_name(value)} into Go value of type {go_type}"


_ESCAPES: Final = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
