"""`$(NAME)` in commands, arguments, variables and sub-paths; `$$(NAME)` is the text itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def expand(text: str, *mappings: Mapping[str, str]) -> str:
    """Replace references; the first mapping that has a name wins, an unknown one stays as it is written."""
    return _expand(text, lambda name: next((each[name] for each in mappings if name in each), f"$({name})"))


def expand_strictly(text: str, mapping: Mapping[str, str]) -> str:
    """Replace references; LookupError for a name that is not in the mapping."""

    def value(name: str) -> str:
        if name not in mapping:
            raise LookupError(f'missing value for "{name}"')
        return mapping[name]

    return _expand(text, value)


def _expand(text: str, value: Callable[[str], str]) -> str:
    pieces: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0 and dollar + 1 < len(text):
        pieces.append(text[position:dollar])
        follower = text[dollar + 1]
        end = text.find(")", dollar + 2) if follower == "(" else -1
        if follower == "$":
            pieces.append("$")
            position = dollar + 2
        elif end >= 0:
            pieces.append(value(text[dollar + 2 : end]))
            position = end + 1
        else:
            pieces.append("$" + follower)
            position = dollar + 2
    return "".join(pieces) + text[position:]
