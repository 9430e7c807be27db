"""Switches as upstream's components take them: `--leader-elect=false` beside `--no-leader-elect`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from typer.core import TyperCommand

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")


class Command(TyperCommand):
    """A command whose switches may be given a value; manifests written for upstream's components do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [spelled_out(word, _switches(self.params)) for word in args])


def spelled_out(word: str, switches: Mapping[str, str]) -> str:
    """`--x=true` as `--x`, `--x=false` as its opposite; `switches` has the opposite of each, if only an empty one."""
    flag, given, value = word.partition("=")
    if not given or flag not in switches:
        return word
    if value.lower() in _TRUE:
        return flag
    if value.lower() in _FALSE:
        return switches[flag] or word
    return word


def _switches(parameters: Iterable[Any]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for option in parameters:
        if getattr(option, "is_flag", False):
            opposite = option.secondary_opts[0] if option.secondary_opts else ""
            found |= {name: opposite for name in option.opts if name.startswith("--")}
    return found
