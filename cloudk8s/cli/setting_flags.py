"""Flags that are settings: named, documented and defaulted by a settings model, so that neither falls behind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import wraps
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints

import typer
from pydantic import BaseModel, ValidationError

from cloudk8s.cli.options import duration, names_in
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.times import format_duration
from cloudk8s.plugin.description import describe_settings

Command = Callable[..., None]


def with_flags(
    model: type[BaseModel],
    names: Mapping[str, str],
    *,
    parameter: str = "settings",
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> Callable[[Command], Command]:
    """Give a command flags for fields of a model: `names` says which field is which flag (without dashes).

    The command takes them as one parameter: a mapping of fields to values. `defaults` win over those of the model.
    Raises SettingsError for values that the model does not take.
    """
    words = {row["name"]: str(row["description"]) for row in describe_settings(model)}

    def decorate(command: Command) -> Command:
        standard = {field: info.default for field, info in model.model_fields.items()} | dict(defaults)
        flags = [_parameter(model, field, flag, words[field], standard[field]) for field, flag in names.items()]

        def called(**given: Any) -> None:
            values = {field: _value(model, field, given.pop(field), flag) for field, flag in names.items()}
            _check(model, values, names)
            command(**given, **{parameter: values})

        return with_parameters(command, called, flags, instead_of=parameter)

    return decorate


def with_parameters(
    command: Command, called: Command, more: Sequence[inspect.Parameter], *, instead_of: str = ""
) -> Command:
    """`called` in place of a command: with its parameters, but for one, and with more."""
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    own = [each.replace(annotation=hints[each.name]) for each in given if each.name != instead_of]
    wraps(command)(called)
    called.__annotations__ = {each.name: each.annotation for each in (*own, *more)}
    called.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    return called


def given_of(context: typer.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the values of flags, those that somebody gave, so that a file may say the rest."""
    return {
        field: value
        for field, value in values.items()
        if (source := context.get_parameter_source(field)) is not None and source.name != "DEFAULT"
    }


def flags_of(context: typer.Context) -> Mapping[str, str]:
    """The flags that a command runs with, by name without dashes, as text."""
    found = {}
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        name = next((option.lstrip("-") for option in parameter.opts if option.startswith("--")), "")
        if name and not getattr(parameter, "hidden", False):
            found[name] = _shown(value)
    return found


def _parameter(model: type[BaseModel], field: str, flag: str, words: str, default: Any) -> inspect.Parameter:
    kind: Any = model.model_fields[field].annotation
    if isinstance(default, timedelta):
        default, kind = format_duration(default), str
    elif isinstance(default, tuple):
        default, kind = ",".join(default), str
    declared = f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}"
    annotation = Annotated[kind, typer.Option(declared, help=words)]
    return inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _value(model: type[BaseModel], field: str, given: Any, flag: str) -> Any:
    match model.model_fields[field].default:
        case timedelta():
            return duration(given, f"--{flag}")
        case tuple():
            return names_in(given)
    return given


def _check(model: type[BaseModel], values: Mapping[str, Any], names: Mapping[str, str]) -> None:
    try:
        model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"--{names[str(first['loc'][0])]}: {first['msg']}") from error


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(str, value))}]"
    return "" if value is None else str(value)
