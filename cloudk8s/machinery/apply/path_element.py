"""Path elements: one step of a field's path, in its `FieldsV1` spelling and as messages print it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.machinery import codec, go_text


class PathElementError(ValueError):
    """The text is no path element; the message is upstream's."""


def of_field(name: str) -> str:
    return f"f:{name}"


def of_key(values: Mapping[str, Any]) -> str:
    """The item of a list map with these key values."""
    if len(values) > 1:
        values = dict(sorted(values.items()))
    return "k:" + codec.encode(values).decode()


def of_value(value: Any) -> str:
    """The item of a list set."""
    return "v:" + codec.encode(value).decode()


def canonical(text: str) -> str:
    """The one spelling of an element that a client may have spelt otherwise. Raises PathElementError."""
    kind, colon, rest = text.partition(":")
    if not colon or len(kind) != 1:
        raise PathElementError(f"missing colon: {text}" if len(text) > 1 else "key must be 2 characters long:")
    if kind == "f":
        return text
    try:
        value = codec.decode(rest)
    except codec.DecodeError as error:
        raise PathElementError(str(error)) from error
    match kind:
        case "v":
            return of_value(value)
        case "k" if isinstance(value, dict) and value:
            return of_key(value)
        case "i" if isinstance(value, int):
            return f"i:{value}"
    raise PathElementError(f"unknown path element type {text}")


def describe(element: str) -> str:
    """As in a message: `.name`, `[name="main",protocol="TCP"]`, `[="a"]`, `[0]`."""
    kind, rest = element[0], element[2:]
    if kind == "f":
        return f".{rest}"
    if kind == "i":
        return f"[{rest}]"
    value = codec.decode(rest)
    if kind == "v":
        return f"[={describe_value(value)}]"
    return f"[{','.join(f'{name}={describe_value(item)}' for name, item in value.items())}]"


def describe_path(path: Iterable[str]) -> str:
    """A whole path as in a message: `.spec.containers[name="main"].image`."""
    return "".join(describe(element) for element in path)


def describe_value(value: Any) -> str:
    return go_text.quote(value) if isinstance(value, str) else go_text.format_value(value)
