"""What a component writes to its log: upstream's `--v` and `--logging-format`."""

from __future__ import annotations

import logging
from typing import Annotated, Final

import typer

from cloudk8s.errors import SettingsError
from cloudk8s.machinery import codec

Verbosity = Annotated[
    int, typer.Option("--v", "-v", min=0, help="How much is logged: 0 what is wrong, 2 what is done, 4 everything.")
]
LoggingFormat = Annotated[str, typer.Option(help="How lines of the log look: text or json.")]
FORMATS: Final = ("text", "json")


def set_up_logs(verbosity: int, format: str) -> None:
    """Write that much, in that format. Raises SettingsError for a format that there is not."""
    if format not in FORMATS:
        raise SettingsError(f"--logging-format: {format!r} is neither text nor json")
    root = logging.getLogger()
    root.setLevel(min(root.level or logging.WARNING, level_of(verbosity)))
    if format == "json":
        for handler in root.handlers:
            handler.setFormatter(JSONFormatter())


def level_of(verbosity: int) -> int:
    """Python's level for upstream's number."""
    if verbosity >= 4:
        return logging.DEBUG
    return logging.INFO if verbosity >= 2 else logging.WARNING


class JSONFormatter(logging.Formatter):
    """One object a line, with the keys of upstream's: `ts`, `caller`, `msg`, and `v` unless it is an error.

    An exception is there as `err`, and where it came from as `stacktrace`.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": record.created * 1000,
            "caller": f"{record.filename}:{record.lineno}",
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.levelno < logging.ERROR:
            line["v"] = 4 if record.levelno < logging.INFO else 0
        if record.exc_info and record.exc_info[1] is not None:
            line |= {"err": repr(record.exc_info[1]), "stacktrace": self.formatException(record.exc_info)}
        return codec.encode(line).decode()
