"""A table of protobuf messages: field numbers and types, facts of the wire format.

A line is a message and its fields: `name=number`, then `:type` where it is not a string. Types: `int` (any varint),
`bool`, `bytes`, `map` (string to string), `map/Message`, another message; `*` before the type for a list. A message may
have several lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message; `kind` is a type of the table."""

    name: str
    number: int
    kind: str
    is_list: bool
    values: str = ""
    """Of a map: the message that its values are; empty for strings."""


class Message:
    """The fields of a message, by name and by number."""

    def __init__(self) -> None:
        self.by_name: dict[str, Field] = {}
        self.by_number: dict[int, Field] = {}


def read_table(table: str) -> Mapping[str, Message]:
    """The messages of a table, by name."""
    messages: dict[str, Message] = {}
    for line in filter(None, map(str.strip, table.splitlines())):
        name, _, fields = line.partition(":")
        message = messages.setdefault(name, Message())
        for text in fields.split():
            field = _field(text)
            message.by_name[field.name] = message.by_number[field.number] = field
    return messages


def _field(text: str) -> Field:
    name, _, rest = text.partition("=")
    number, _, kind = rest.partition(":")
    kind, _, values = kind.partition("/")
    return Field(name, int(number), kind.lstrip("*") or "string", kind.startswith("*"), values)
