"""The part of jq that selectors use: paths, iteration, `select`, comparisons, `//`, pipes and a few functions.

    .status.conditions.[] | select( .type == "Ready" ) | .status
    .metadata.annotations["pod-create.stage.kwok.x-k8s.io/delay"]

A query gives any number of values. Unlike jq, iterating over or looking into what is no collection gives none.

https://jqlang.org/manual/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from cloudk8s.machinery import codec

Query = Callable[[Any], Iterator[Any]]
"""From an input to its values."""
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>//|==|!=|<=|>=|[.\[\]|(),<>?]))"""
)
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": lambda first, second: first == second,
    "!=": lambda first, second: first != second,
    "<": lambda first, second: bool(_key(first) < _key(second)),
    "<=": lambda first, second: bool(_key(first) <= _key(second)),
    ">": lambda first, second: bool(_key(first) > _key(second)),
    ">=": lambda first, second: bool(_key(first) >= _key(second)),
}
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


class QueryError(ValueError):
    """A query that cannot be read."""


@lru_cache(maxsize=1024)
def compiled(text: str) -> Query:
    """Read a query. Raises QueryError."""
    parser = _Parser(text)
    query = parser.pipe()
    parser.finish()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._position = 0

    def finish(self) -> None:
        if self._position < len(self._tokens):
            raise QueryError(f"{self._text!r}: {self._tokens[self._position][1]!r} is unexpected")

    def pipe(self) -> Query:
        query = self._alternative()
        while self._skip("|"):
            query = _piped(query, self._alternative())
        return query

    def _alternative(self) -> Query:
        query = self._either()
        while self._skip("//"):
            query = _alternative(query, self._either())
        return query

    def _either(self) -> Query:
        query = self._both()
        while self._skip("or"):
            query = _truth(query, self._both(), any)
        return query

    def _both(self) -> Query:
        query = self._comparison()
        while self._skip("and"):
            query = _truth(query, self._comparison(), all)
        return query

    def _comparison(self) -> Query:
        query = self._term()
        for mark, compare in _COMPARISONS.items():
            if self._skip(mark):
                return _compared(query, self._term(), compare)
        return query

    def _term(self) -> Query:
        query = self._primary()
        while True:
            kind, text = self._peek()
            if kind == "field":
                self._position += 1
                query = _piped(query, _field(text[1:]))
            elif text == "[":
                query = _piped(query, self._bracket())
            elif text == "." and self._peek(1)[1] == "[":
                self._position += 1
            elif text == "." and self._peek(1)[0] == "string":
                self._position += 2
                query = _piped(query, _field(codec.decode(self._tokens[self._position - 1][1])))
            elif text == "?":
                self._position += 1
            else:
                return query

    def _primary(self) -> Query:
        kind, text = self._take()
        match kind:
            case "string" | "number":
                return _constant(codec.decode(text))
            case "field":
                return _field(text[1:])
            case "name":
                return _constant(_CONSTANTS[text]) if text in _CONSTANTS else self._function(text)
        if text == ".":
            if self._peek()[0] == "string":
                return _field(codec.decode(self._take()[1]))
            return lambda value: iter((value,))
        if text == "(":
            query = self.pipe()
            self._expect(")")
            return query
        raise QueryError(f"{self._text!r}: {text or 'the end'!r} is unexpected")

    def _bracket(self) -> Query:
        self._expect("[")
        if self._skip("]"):
            return _every
        key = self.pipe()
        self._expect("]")
        return _at(key)

    def _function(self, name: str) -> Query:
        argument: Query | None = None
        if self._skip("("):
            argument = self.pipe()
            self._expect(")")
        if name == "not" and argument is None:
            return lambda value: iter((not _is_true(value),))
        if argument is None and name in _PLAIN:
            plain = _PLAIN[name]
            return lambda value: iter((plain(value),))
        if argument is not None and name in _WITH_ARGUMENT:
            return _WITH_ARGUMENT[name](argument)
        raise QueryError(f"{self._text!r}: the function {name!r} is not known here")

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        place = self._position + ahead
        return self._tokens[place] if place < len(self._tokens) else ("", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _skip(self, text: str) -> bool:
        if self._peek()[1] != text or self._peek()[0] == "string":
            return False
        self._position += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise QueryError(f"{self._text!r}: {text!r} is missing")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryError(f"{text!r}: cannot read {text[position:].strip()!r}")
        kind = match.lastgroup or ""
        yield kind, match.group(kind)
        position = match.end()


def _constant(constant: Any) -> Query:
    return lambda value: iter((constant,))


def _field(name: str) -> Query:
    def query(value: Any) -> Iterator[Any]:
        if isinstance(value, Mapping):
            yield value.get(name)
        elif value is None:
            yield None

    return query


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _at(key: Query) -> Query:
    def query(value: Any) -> Iterator[Any]:
        for wanted in key(value):
            if isinstance(value, Mapping):
                yield value.get(wanted)
            elif isinstance(value, list) and isinstance(wanted, int):
                yield value[wanted] if -len(value) <= wanted < len(value) else None
            elif value is None:
                yield None

    return query


def _piped(first: Query, second: Query) -> Query:
    return lambda value: (result for between in first(value) for result in second(between))


def _alternative(first: Query, second: Query) -> Query:
    def query(value: Any) -> Iterator[Any]:
        found = [result for result in first(value) if _is_true(result)]
        yield from found or second(value)

    return query


def _truth(first: Query, second: Query, combine: Callable[[tuple[bool, bool]], bool]) -> Query:
    def query(value: Any) -> Iterator[Any]:
        for one in first(value):
            for other in second(value):
                yield combine((_is_true(one), _is_true(other)))

    return query


def _compared(first: Query, second: Query, compare: Callable[[Any, Any], bool]) -> Query:
    def query(value: Any) -> Iterator[Any]:
        for other in second(value):
            for one in first(value):
                yield compare(one, other)

    return query


def _select(condition: Query) -> Query:
    return lambda value: (value for result in condition(value) if _is_true(result))


def _having(key: Query) -> Query:
    return lambda value: (isinstance(value, Mapping) and wanted in value for wanted in key(value))


def _test(pattern: Query) -> Query:
    return lambda value: (re.search(str(wanted), str(value)) is not None for wanted in pattern(value))


def _starts(prefix: Query) -> Query:
    return lambda value: (str(value).startswith(str(wanted)) for wanted in prefix(value))


def _map(change: Query) -> Query:
    return lambda value: iter(([result for item in _every(value) for result in change(item)],))


def _is_true(value: Any) -> bool:
    """jq's idea of truth: everything but false and null."""
    return value is not None and value is not False


def _key(value: Any) -> tuple[int, Any]:
    """Values of different types compare by their type."""
    if isinstance(value, bool):
        return 1, value
    if isinstance(value, (int, float)):
        return 2, value
    return (3, value) if isinstance(value, str) else (0, 0)


_WITH_ARGUMENT: Final[Mapping[str, Callable[[Query], Query]]] = {
    "select": _select, "has": _having, "test": _test, "startswith": _starts, "map": _map,
}  # fmt: skip
_PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "length": lambda value: len(value) if isinstance(value, (Mapping, list, str)) else 0,
    "keys": lambda value: sorted(value or ()),
    "first": lambda value: value[0] if value else None,
    "last": lambda value: value[-1] if value else None,
    "tonumber": lambda value: float(value) if "." in str(value) else int(value),
    "tostring": lambda value: value if isinstance(value, str) else codec.encode(value).decode(),
    "any": lambda value: any(map(_is_true, value or ())),
    "all": lambda value: all(map(_is_true, value or ())),
}
