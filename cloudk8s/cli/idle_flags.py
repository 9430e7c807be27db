"""Flags of upstream's components that mean nothing here: a manifest may have them, and hears what becomes of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cloudk8s.cli import output
from cloudk8s.cli.setting_flags import Command, with_parameters
from cloudk8s.errors import SettingsError


@dataclass(frozen=True, slots=True)
class IdleFlag:
    """A flag that changes nothing. Of its `true` values nothing is said: they are how it is here anyway."""

    why: str
    """What is so instead; the end of a sentence that begins with the flag."""
    true: tuple[str, ...] = ()
    is_switch: bool = False
    is_refused: bool = False
    """Whether any other value keeps the component from starting, since somebody would rely on it."""


def switch(why: str, *, true: str = "", is_refused: bool = False) -> IdleFlag:
    """A flag that is on or off; `true` says which of these it is anyway."""
    return IdleFlag(why, tuple(true.split()), is_switch=True, is_refused=is_refused)


def value(why: str, *true: str, is_refused: bool = False) -> IdleFlag:
    """A flag with a value."""
    return IdleFlag(why, true, is_refused=is_refused)


def with_idle_flags(table: Mapping[str, IdleFlag]) -> Callable[[Command], Command]:
    """Give a command the flags of a table; it is not told of them. Raises SettingsError for refused values."""

    def decorate(command: Command) -> Command:
        def called(**given: Any) -> None:
            found = {name: given.pop(_field(name)) for name in table}
            for line in remarks(table, {name: value for name, value in found.items() if value is not None}):
                output.note(line)
            command(**given)

        return with_parameters(command, called, [_parameter(name, flag) for name, flag in table.items()])

    return decorate


def remarks(table: Mapping[str, IdleFlag], given: Mapping[str, Any]) -> list[str]:
    """What to say of flags that were given. Raises SettingsError."""
    lines = []
    for name, found in given.items():
        flag = table[name]
        said = [str(each).lower() if flag.is_switch else str(each) for each in _values(found)]
        if all(each in flag.true for each in said):
            continue
        shown = f"--{name}={','.join(said)}"
        if flag.is_refused:
            raise SettingsError(f"{shown}: {flag.why}")
        lines.append(f"{shown} changes nothing: {flag.why}")
    return lines


def _values(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _parameter(name: str, flag: IdleFlag) -> inspect.Parameter:
    kind: Any = bool | None if flag.is_switch else list[str] | None
    declared = f"--{name}/--no-{name}" if flag.is_switch else f"--{name}"
    annotation = Annotated[kind, typer.Option(declared, hidden=True, help=flag.why)]
    return inspect.Parameter(_field(name), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _field(name: str) -> str:
    return f"idle_{name.replace('-', '_')}"
