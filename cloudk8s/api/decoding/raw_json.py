"""JSON that has lost nothing: keys in order and with their duplicates, numbers as they were written."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Pairs(list[tuple[str, Any]]):
    """An object: its members in order, duplicates included."""


class Number(str):
    """A number as it stands in the text."""

    __slots__ = ()

    @property
    def value(self) -> int | float:
        return _number(self)


def parse(data: bytes) -> Any:
    """Read JSON that is known to be valid; bytes that are no text become replacement characters, as in Go."""
    text = data.decode("utf-8", "replace")
    return json.loads(text, object_pairs_hook=Pairs, parse_int=Number, parse_float=Number)


def plain(value: Any) -> Any:
    """The same as plain dictionaries, lists and numbers; the last of duplicate keys wins."""
    if isinstance(value, Pairs):
        return {key: plain(item) for key, item in value}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Number):
        return value.value
    if isinstance(value, str) and not value.isascii() and _SURROGATES.search(value):
        return _SURROGATES.sub("�", value)
    return value


def _number(text: str) -> int | float:
    try:
        value = int(text)
    except ValueError:
        return float(text)
    return value if -(2**63) <= value < 2**64 else float(text)
