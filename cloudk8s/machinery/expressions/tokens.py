"""The words of an expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?) | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*') | (?P<name>[A-Za-z_]\w*) |
    (?P<symbol>&&|\|\||[=!<>]=|[<>!()\[\].,?:+\-*/%])
    )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


class ExpressionError(ValueError):
    """The expression cannot be read, or has no value here."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is number, string, name, symbol or end."""

    kind: str
    value: Any


def tokens(text: str) -> list[Token]:
    """The words of an expression, and an end. Raises ExpressionError."""
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"unexpected {text[at:].strip()[:10]!r}")
        kind = match.lastgroup or ""
        found.append(Token(kind, _value(kind, match[kind])))
        at = match.end()
    return [*found, Token("end", "")]


def _value(kind: str, text: str) -> Any:
    if kind == "number":
        return float(text) if "." in text else int(text)
    if kind == "string":
        return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1])
    return text
