"""Flags as upstream's components take them: `--leader-elect=false` beside `--no-leader-elect`, `-v=2` beside `-v 2`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from typer.core import TyperCommand

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")


class Command(TyperCommand):
    """A command whose switches may be given a value; manifests written for upstream's components do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        switches, names = _switches(self.params), {name for each in self.params for name in each.opts}
        end = args.index("--") if "--" in args else len(args)
        own = [spelled_out(dashed(word, names), switches) for word in args[:end]]
        return super().parse_args(ctx, own + args[end:])


def dashed(word: str, names: Collection[str]) -> str:
    """`--concurrent_rc_syncs=1` with dashes and `-v=2` as `-v2`, where there are such flags."""
    name, equals, value = word.partition("=")
    if name.startswith("--") and (meant := name.replace("_", "-")) in names:
        return meant + equals + value
    if equals and len(name) == 2 and name in names:
        return name + value
    return word


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
