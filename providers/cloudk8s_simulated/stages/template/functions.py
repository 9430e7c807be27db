"""Functions that every template has: Go's own, and the ones of sprig that templates of objects use."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

from cloudk8s.machinery import codec, yaml_codec
from cloudk8s.machinery.go_text import quote
from cloudk8s_simulated.stages.template.rendering import is_true, printed


def _and(*values: Any) -> Any:
    return next((value for value in values if not is_true(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if is_true(value)), values[-1])


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, Sequence) and not isinstance(value, str) and 0 <= int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _dict(*pairs: Any) -> dict[str, Any]:
    return dict(zip(map(str, pairs[::2]), pairs[1::2], strict=True))


def _quote(value: Any = None) -> str:
    """As YAML and JSON read it back: a text in quotes, whatever it was."""
    return codec.encode(printed(value)).decode()


def _yaml(value: Any, indent: int = 0) -> str:
    """Block YAML; with an indent on lines of its own, so many times two spaces further in."""
    text = yaml_codec.encode(value).decode()
    return text if not indent else f"\n{text}".replace("\n", "\n" + "  " * indent)


def _printf(form: str, *values: Any) -> str:
    text = form.replace("%v", "%s").replace("%q", "%s")
    marks = [part[0] for part in form.split("%")[1:] if part]
    shown = [
        quote(printed(value)) if mark == "q" else printed(value) if mark in "sv" else value
        for mark, value in zip(marks, values, strict=False)
    ]
    return text % tuple(shown)


def _integer(value: Any) -> int:
    return int(float(value or 0)) if not isinstance(value, str) else int(value or "0")


def _ternary(yes: Any, no: Any, test: Any) -> Any:
    return yes if is_true(test) else no


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "and": _and,
    "or": _or,
    "not": lambda value: not is_true(value),
    "eq": lambda first, *others: any(first == other for other in others),
    "ne": lambda first, second: first != second,
    "lt": lambda first, second: first < second,
    "le": lambda first, second: first <= second,
    "gt": lambda first, second: first > second,
    "ge": lambda first, second: first >= second,
    "len": lambda value: len(value or ()),
    "index": _index,
    "print": lambda *values: "".join(map(printed, values)),
    "printf": _printf,
    "Quote": _quote,
    "quote": _quote,
    "squote": lambda value: f"'{printed(value)}'",
    "YAML": _yaml,
    "toJson": lambda value: codec.encode(value).decode(),
    "toYaml": _yaml,
    "dict": _dict,
    "list": lambda *values: list(values),
    "get": lambda value, key: (value or {}).get(key),
    "hasKey": lambda value, key: key in (value or {}),
    "keys": lambda value: sorted(value or {}),
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "append": lambda values, value: [*(values or ()), value],
    "has": lambda value, values: value in (values or ()),
    "until": lambda count: list(range(_integer(count))),
    "default": lambda other, value=None: value if is_true(value) else other,
    "empty": lambda value: not is_true(value),
    "coalesce": _or,
    "ternary": _ternary,
    "add": lambda *values: sum(map(_integer, values)),
    "add1": lambda value: _integer(value) + 1,
    "sub": lambda first, second: _integer(first) - _integer(second),
    "mul": lambda *values: reduce(lambda product, value: product * _integer(value), values, 1),
    "div": lambda first, second: _integer(first) // _integer(second),
    "mod": lambda first, second: _integer(first) % _integer(second),
    "max": lambda *values: max(map(_integer, values)),
    "min": lambda *values: min(map(_integer, values)),
    "int": _integer,
    "atoi": _integer,
    "int64": _integer,
    "float64": lambda value: float(value or 0),
    "toString": printed,
    "lower": lambda value: printed(value).lower(),
    "upper": lambda value: printed(value).upper(),
    "trim": lambda value: printed(value).strip(),
    "trimPrefix": lambda prefix, value: printed(value).removeprefix(prefix),
    "trimSuffix": lambda suffix, value: printed(value).removesuffix(suffix),
    "trunc": lambda length, value: printed(value)[:length],
    "replace": lambda old, new, value: printed(value).replace(old, new),
    "contains": lambda part, value: part in printed(value),
    "hasPrefix": lambda prefix, value: printed(value).startswith(prefix),
    "hasSuffix": lambda suffix, value: printed(value).endswith(suffix),
    "join": lambda separator, values: separator.join(map(printed, values or ())),
    "splitList": lambda separator, value: printed(value).split(separator),
    "b64enc": lambda value: base64.b64encode(printed(value).encode()).decode(),
    "sha256sum": lambda value: hashlib.sha256(printed(value).encode()).hexdigest(),
}
"""By name. Those that know time, nodes and addresses come from whoever plays the stages."""
