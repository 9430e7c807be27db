"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudk8s.cli.output import Format

Name = Annotated[str, typer.Option("--name", help="The cluster's name.")]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print: table, json or yaml.")]
