"""The table of field numbers: `fields.txt`, read once.

A line is a message and its fields: `core.v1.Volume: name=1 +core.v1.VolumeSource=2`. A `+` marks a message whose fields
are written into the message itself in JSON. Fields stand in the order in which Go writes them in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Message:
    """One message: names by number, and the inlined messages by number."""

    names: Mapping[int, str]
    inlined: Mapping[int, str]
    order: tuple[str, ...]
    """Names in Go's order; inlined messages with a `+`."""


_LIST = Message({1: "metadata", 2: "items"}, {}, ("metadata", "items"))


@cache
def messages() -> Mapping[str, Message]:
    """Every known message by its short name."""
    table: dict[str, Message] = {}
    for line in files("cloudk8s.api.protobuf").joinpath("fields.txt").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if line:
            name, _, rest = line.partition(":")
            table[name.strip()] = _message(rest.split())
    return table


def message(name: str) -> Message | None:
    """A message by its short name; lists of objects all have the same form."""
    return messages().get(name) or (_LIST if name.endswith("List") else None)


def short_name(definition: str) -> str:
    """`io.k8s.api.core.v1.Pod` → `core.v1.Pod`, the name in the table."""
    return ".".join(definition.split(".")[-3:])


@cache
def json_order(name: str) -> tuple[str, ...]:
    """The fields of a message, inlined ones too, in the order in which Go writes them; empty where it is not known."""
    message = messages().get(name)
    order: list[str] = []
    for part in message.order if message else ():
        order += json_order(part[1:]) if part.startswith("+") else (part,)
    return tuple(order)


def _message(parts: list[str]) -> Message:
    names: dict[int, str] = {}
    inlined: dict[int, str] = {}
    for part in parts:
        name, _, number = part.partition("=")
        if name.startswith("+"):
            inlined[int(number)] = name[1:]
        else:
            names[int(number)] = name
    return Message(names, inlined, tuple(part.partition("=")[0] for part in parts))
