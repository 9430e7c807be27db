"""Field selectors: `metadata.name=web,status.phase!=Running`, with upstream's escapes and error texts.

Which fields a kind can be selected by is not known here; the API server checks `Selector.fields` against the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final


class SelectorError(ValueError):
    """The selector cannot be understood; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison; an absent field counts as empty."""

    field: str
    value: str
    is_negated: bool = False

    def __str__(self) -> str:
        return f"{self.field}{'!=' if self.is_negated else '='}{escape(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """All of its terms must hold; none means everything matches."""

    terms: tuple[Term, ...] = ()

    @property
    def is_everything(self) -> bool:
        return not self.terms

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it names, in order of the terms."""
        return tuple(term.field for term in self.terms)

    def matches(self, values: Mapping[str, str]) -> bool:
        """Whether an object with these selectable fields is selected."""
        return all((values.get(term.field, "") == term.value) is not term.is_negated for term in self.terms)

    def renamed(self, names: Mapping[str, str]) -> Selector:
        """The same selector with other names for some fields."""
        return Selector(tuple(replace(term, field=names.get(term.field, term.field)) for term in self.terms))

    def exact(self, field: str) -> str | None:
        """The one value that `field` must have, if the selector says so; lets a LIST become a GET."""
        for term in self.terms:
            if term.field == field and not term.is_negated:
                return term.value
        return None

    def __str__(self) -> str:
        return ",".join(str(term) for term in self.terms)


EVERYTHING: Final = Selector()


@lru_cache(maxsize=1024)
def parse(text: str) -> Selector:
    """Read the text form, as in `?fieldSelector=`. Raises SelectorError."""
    return Selector(tuple(_term(part, text) for part in sorted(_split(text)) if part))


def escape(value: str) -> str:
    """Make a value safe to stand in a selector."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _split(text: str) -> list[str]:
    """Cut at commas that no backslash escapes."""
    parts, start, is_escaped = [], 0, False
    for position, char in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif char == "\\":
            is_escaped = True
        elif char == ",":
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _term(part: str, selector: str) -> Term:
    for position in range(len(part)):
        for operator in ("!=", "==", "="):
            if part.startswith(operator, position):
                value = _unescape(part[position + len(operator) :])
                return Term(part[:position], value, is_negated=operator == "!=")
    raise SelectorError(f"invalid selector: '{selector}'; can't understand '{part}'")


def _unescape(text: str) -> str:
    if not any(char in text for char in "\\,="):
        return text
    result, is_escaped = [], False
    for char in text:
        if is_escaped:
            if char not in "\\,=":
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{char}")
            result.append(char)
            is_escaped = False
        elif char == "\\":
            is_escaped = True
        elif char in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            result.append(char)
    if is_escaped:
        raise SelectorError("invalid field selector: invalid escape sequence: \\")
    return "".join(result)
