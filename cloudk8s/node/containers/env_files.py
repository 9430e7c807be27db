"""Files of variables that one container writes into a volume and another starts with: `NAME='value'`, as POSIX shells
read them. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_ASSIGNMENT: Final = re.compile(r"[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)='([^']*)'[ \t]*(?:#[^\n]*)?(?:\n|$)")
_NOTHING: Final = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")


class EnvFileError(ValueError):
    """The file is not of that form; the text says in which line."""


def parse(text: str) -> Mapping[str, str]:
    """The variables; a value may go over several lines, and the later of two wins."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        if match := _ASSIGNMENT.match(text, position):
            found[match[1]] = match[2]
        else:
            match = _NOTHING.match(text, position)
        if match is None or match.end() == position:
            raise EnvFileError(f"line {text.count(chr(10), 0, position) + 1} is not NAME='value'")
        position = match.end()
    return found
