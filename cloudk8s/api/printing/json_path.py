"""Kubernetes' JSONPath, as printer columns use it: `.spec.a[0].b['c.d'][-1:][*]..e[?(@.type=="Ready")]`.

`compile_path` turns a text into a function from a tree to the values that it finds. What upstream's parser refuses is a
PathError; what does not fit the tree finds nothing.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

Step = Callable[[Any], Iterator[Any]]

_FIELD: Final = re.compile(r"(?:\\.|[^\\.,\[\]\s$@{}])+")
_SLICE: Final = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?")
_KEY: Final = re.compile(r"'([^']*)'")
_COMPARISON: Final = re.compile(r"([^!<>=]+)([!<>=]+)(.+?)")
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class PathError(ValueError):
    """The text is not a path."""


@lru_cache(maxsize=1024)
def compile_path(text: str) -> Callable[[Any], list[Any]]:
    """A function from a tree to all values that the path finds; raises PathError."""
    steps = list(_steps(text.strip()))

    def read(tree: Any) -> list[Any]:
        values = [tree]
        for step in steps:
            values = [found for value in values for found in step(value)]
        return values

    return read


def _steps(text: str) -> Iterator[Step]:
    at = 0
    while at < len(text):
        if text[at] == "[":
            end = _end_of_bracket(text, at)
            yield _bracket(text[at + 1 : end])
            at = end + 1
        elif text[at] in "$@" and at == 0:
            at += 1
        elif text[at] == ".":
            if text[at + 1 : at + 2] == ".":
                yield _every_depth
                at += 1
            at += 1
            if text[at : at + 1] in ("[", "."):
                continue
            name = _FIELD.match(text, at)
            if name is None:
                if at == len(text):
                    return
                raise PathError(f"cannot read JSONPath {text!r} at position {at}")
            yield _every if name[0] == "*" else _field(re.sub(r"\\(.)", r"\1", name[0]))
            at = name.end()
        else:
            raise PathError(f"cannot read JSONPath {text!r} at position {at}")


def _end_of_bracket(text: str, at: int) -> int:
    """Where a bracket closes: a filter at `)]`, anything else at the first `]` outside quotes."""
    if text.startswith("[?(", at):
        end = text.find(")]", at)
        if end < 0:
            raise PathError("unterminated filter")
        return end + 1
    quoted = False
    for index in range(at + 1, len(text)):
        if text[index] == "'":
            quoted = not quoted
        elif text[index] == "]" and not quoted:
            return index
    raise PathError("unterminated array")


def _bracket(text: str) -> Step:
    if text.startswith("?(") and text.endswith(")"):
        return _filter(text[2:-1])
    if text == "*":
        return _every
    if "," in text:
        return _union([_bracket(part.strip()) for part in text.split(",")])
    if key := _KEY.fullmatch(text):
        return _field(key[1])
    if parts := _SLICE.fullmatch(text):
        return _slice(parts)
    raise PathError(f"invalid array index {text}")


def _slice(parts: re.Match[str]) -> Step:
    first, *others = (None if part is None else part.removeprefix(":") for part in parts.groups())
    if all(other is None for other in others):
        if not first:
            raise PathError("invalid array index ")
        return _at(int(first))
    numbers = [int(part) if part else None for part in (first, *others)]
    if numbers[2] is not None and numbers[2] <= 0:
        raise PathError("step must be > 0")
    chosen = slice(*numbers)

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[chosen]

    return step


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


def _union(steps: list[Step]) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for each in steps:
            yield from each(value)

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _every_depth(value: Any) -> Iterator[Any]:
    """A value and all that is inside it, from the outside in."""
    yield value
    for inner in _every(value):
        yield from _every_depth(inner)


def _filter(text: str) -> Step:
    comparison = _COMPARISON.fullmatch(text)
    if comparison is None:
        return _where(compile_path(text.strip()), lambda found: True)
    left, sign, right = (part.strip() for part in comparison.groups())
    if sign not in _OPERATORS:
        raise PathError(f"unrecognized filter operator {sign}")
    compare, wanted = _OPERATORS[sign], _literal(right)

    def holds(found: Any) -> bool:
        if isinstance(found, bool) != isinstance(wanted, bool):
            return False
        try:
            return compare(found, wanted)
        except TypeError:
            return False

    return _where(compile_path(left), holds)


def _where(read: Callable[[Any], list[Any]], holds: Callable[[Any], bool]) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for item in value if isinstance(value, list) else ():
            found = read(item)
            if found and holds(found[0]):
                yield item

    return step


def _literal(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    try:
        value = json.loads(text)
    except ValueError:
        raise PathError(f"unrecognized value {text}") from None
    if not isinstance(value, (bool, int, float)):
        raise PathError(f"unrecognized value {text}")
    return value
