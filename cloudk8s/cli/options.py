"""Options that several commands share."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from cloudk8s.cli.output import Format
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.times import TimeError, parse_duration

Name = Annotated[str, typer.Option("--name", help="The cluster's name.")]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print: table, json or yaml.")]


def duration(text: str, flag: str) -> timedelta:
    """A duration as Go components take it: `15s`, `1m30s`. Raises SettingsError."""
    try:
        return parse_duration(text)
    except TimeError as error:
        raise SettingsError(f"{flag}: {error}") from error
