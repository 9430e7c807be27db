"""Text to pieces: what stands outside of actions, and the words inside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_ACTION: Final = re.compile(
    r"\{\{(-\s)?\s*(?:/\*.*?\*/|((?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|'(?:\\.|[^'\\])*'|[^\"`'}]|\}(?!\}))*?))\s*(\s-)?\}\}",
    re.DOTALL,
)
_WORD: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<char>'(?:\\.|[^'\\])')|(?P<number>[-+]?[0-9][0-9_.eExXa-fA-F]*)"""
    r"""|(?P<variable>\$[A-Za-z0-9_]*)|(?P<fields>\.[A-Za-z_][A-Za-z0-9_]*)|(?P<dot>\.)|(?P<mark>:=|[=|(),])"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*))""",
)


class TemplateError(ValueError):
    """A template that cannot be read or rendered; the message says where."""


class Word(NamedTuple):
    """One word of an action; `is_joined` says that no space was before it."""

    kind: str
    text: str
    is_joined: bool


class Action(NamedTuple):
    """The words of one action, and the line it stands in."""

    words: list[Word]
    line: int


def pieces(text: str) -> Iterator[str | Action]:
    """Text and actions in turn; `{{-` and `-}}` have taken the spaces beside them."""
    position, trims = 0, False
    for match in _ACTION.finditer(text):
        before = text[position : match.start()]
        before = before.lstrip() if trims else before
        yield before.rstrip() if match.group(1) else before
        line = text.count("\n", 0, match.start()) + 1
        if match.group(2) is not None:
            yield Action(list(_words(match.group(2), line)), line)
        position, trims = match.end(), bool(match.group(3))
    rest = text[position:]
    if "{{" in rest:
        raise TemplateError(f"line {text.count(chr(10), 0, position) + 1}: an action is not closed")
    yield rest.lstrip() if trims else rest


def _words(text: str, line: int) -> Iterator[Word]:
    position = 0
    while text[position:].strip():
        match = _WORD.match(text, position)
        if match is None:
            raise TemplateError(f"line {line}: cannot read {text[position:].strip()!r}")
        kind = match.lastgroup or ""
        yield Word(kind, match.group(kind), match.start(kind) == position > 0)
        position = match.end()
