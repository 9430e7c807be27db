"""Flags that are settings: named, documented and defaulted by a settings model, so that neither falls behind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer
from pydantic import BaseModel

from cloudk8s.cli.options import duration
from cloudk8s.machinery.times import format_duration
from cloudk8s.plugin.description import describe_settings

Command = Callable[..., None]


def with_flags(model: type[BaseModel], names: Mapping[str, str]) -> Callable[[Command], Command]:
    """Give a command flags for fields of a model: `names` says which field is which flag (without dashes).

    The command takes them as one parameter `settings`: a mapping of fields to values.
    """
    words = {row["name"]: str(row["description"]) for row in describe_settings(model)}

    def decorate(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        given = inspect.signature(command).parameters.values()
        own = [p.replace(annotation=hints[p.name]) for p in given if p.name != "settings"]
        flags = [_parameter(model, field, flag, words[field]) for field, flag in names.items()]

        @wraps(command)
        def called(**given: Any) -> None:
            settings = {field: _value(given.pop(field), flag) for field, flag in names.items()}
            command(**given, settings=settings)

        called.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *flags)}
        called.__signature__ = inspect.Signature([*own, *flags])  # type: ignore[attr-defined]
        return called

    return decorate


def _parameter(model: type[BaseModel], field: str, flag: str, words: str) -> inspect.Parameter:
    default, kind = model.model_fields[field].default, model.model_fields[field].annotation
    if isinstance(default, timedelta):
        default, kind = format_duration(default), str
    declared = f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}"
    annotation = Annotated[kind, typer.Option(declared, help=words)]  # type: ignore[valid-type]
    return inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _value(given: Any, flag: str) -> Any:
    return duration(given, f"--{flag}") if isinstance(given, str) else given
