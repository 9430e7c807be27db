"""Values that are a number or a percentage: `maxUnavailable: 1` or `25%`, `targetPort: 80` or `http`."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

IntOrString: TypeAlias = int | str

_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)


class IntOrStringError(ValueError):
    """The string is not a percentage; the message is upstream's."""


def scaled_value(value: IntOrString, total: int, *, round_up: bool) -> int:
    """The number itself, or the percentage of `total`. Raises IntOrStringError."""
    if isinstance(value, int):
        return value
    percent = percentage(value) * total
    return -(-percent // 100) if round_up else percent // 100


def percentage(text: str) -> int:
    """Read `25%`. Raises IntOrStringError."""
    if not text.endswith("%"):
        raise IntOrStringError("invalid value for IntOrString: invalid type: string is not a percentage")
    number = text[:-1]
    if not _INTEGER.fullmatch(number):
        reason = f"strconv.Atoi: parsing {_quoted(number)}: invalid syntax"
        raise IntOrStringError(f"invalid value for IntOrString: invalid value {_quoted(text)}: {reason}")
    return int(number)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
