"""Go's durations."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> timedelta:
    """`1m30s`, `500ms`, `0`. Raises ValueError."""
    if text == "0":
        return timedelta(0)
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError(f'"{text}" is not a duration such as 1m30s')
    return timedelta(seconds=sum(float(part[1]) * _SECONDS[part[2]] for part in parts))
