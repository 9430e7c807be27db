"""The part of Kubernetes' JSONPath that printer columns and selectable fields use: `.spec.a[0].b['c.d'][*]`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

_PART = re.compile(
    r"""\.(?P<name>[^.\[\]'"\s]+)      # .field, with \. for a dot
      | \[(?P<index>-?\d+)\]            # [0]
      | \[(?P<all>\*)\]                 # [*]
      | \[['"](?P<quoted>[^'"]*)['"]\]  # ['field']
      | \[\?\(@\.(?P<field>[\w.]+)\s*==\s*['"](?P<value>[^'"]*)['"]\)\]  # [?(@.type=="Ready")]
    """,
    re.VERBOSE,
)

Step = Callable[[Any], Iterator[Any]]


class PathError(ValueError):
    """The text is not a path that is understood here."""


@lru_cache(maxsize=1024)
def compile_path(text: str) -> Callable[[Any], list[Any]]:
    """A function from a tree to all values that the path finds; raises PathError."""
    steps = [_step(match) for match in _matches(text.replace("\\.", "\0"))]

    def read(tree: Any) -> list[Any]:
        values = [tree]
        for step in steps:
            values = [found for value in values for found in step(value)]
        return values

    return read


def _matches(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise PathError(f"cannot read JSONPath {text!r} at position {at}")
        yield match
        at = match.end()


def _step(match: re.Match[str]) -> Step:
    if match["all"]:
        return _every
    if match["index"] is not None:
        return _at(int(match["index"]))
    if match["field"]:
        return _where(match["field"].split("."), match["value"])
    name = match["name"] if match["name"] is not None else match["quoted"]
    return _field(name.replace("\0", "."))


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _at(index: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _where(path: list[str], wanted: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for item in value if isinstance(value, list) else ():
            found = item
            for part in path:
                found = found.get(part) if isinstance(found, dict) else None
            if found == wanted:
                yield item

    return step
