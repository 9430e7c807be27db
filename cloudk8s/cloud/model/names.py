"""Many names in few words: `demo-workers-0 … demo-workers-99, demo-workers-105` is `demo-workers-[0-99,105]`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBERED = re.compile(r"^(.*?)(0|[1-9]\d*)$", re.DOTALL)
_PART = re.compile(r"([^\[\];]*)\[([\d,-]+)\]|([^\[\];]+)")


def pack(names: Sequence[str]) -> str:
    """The names as one text, in their order."""
    parts: list[tuple[str, list[int]] | str] = []
    for name in names:
        match = _NUMBERED.match(name)
        if match is None:
            parts.append(name)
            continue
        last = parts[-1] if parts else None
        if isinstance(last, tuple) and last[0] == match[1]:
            last[1].append(int(match[2]))
        else:
            parts.append((match[1], [int(match[2])]))
    return ";".join(part if isinstance(part, str) else f"{part[0]}[{_ranges(part[1])}]" for part in parts)


def unpack(text: str) -> list[str]:
    """The names that `pack` wrote."""
    names: list[str] = []
    for prefix, numbers, plain in _PART.findall(text):
        names += [plain] if plain else [f"{prefix}{number}" for number in _numbers(numbers)]
    return names


def _ranges(numbers: Sequence[int]) -> str:
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found
