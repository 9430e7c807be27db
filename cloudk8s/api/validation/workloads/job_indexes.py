"""Lists of indexes such as `1,3-5,7`, as indexed Jobs record them."""

from __future__ import annotations

import re
from typing import Final

_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)


class IndexesError(ValueError):
    """The list cannot be read; the message is upstream's."""


def count_indexes(text: str, completions: int) -> int:
    """How many indexes the list names. Raises IndexesError."""
    total, last = 0, None
    for interval in text.split(",") if text else ():
        first, end = read_interval(interval, completions)
        if last is not None and last >= first:
            raise IndexesError(f"non-increasing order, previous: {last}, current: {first}")
        total += end - first + 1
        last = end
    return total


def overlap(completed: str, failed: str, completions: int) -> int | None:
    """The first index in both lists; intervals that cannot be read are passed over."""
    if not completed or not failed:
        return None
    done, lost = _intervals(completed, completions), _intervals(failed, completions)
    i = j = 0
    while i < len(done) and j < len(lost):
        first, last = max(done[i][0], lost[j][0]), min(done[i][1], lost[j][1])
        if first <= last:
            return first
        if done[i][1] < lost[j][1]:
            i += 1
        else:
            j += 1
    return None


def read_interval(text: str, completions: int) -> tuple[int, int]:
    """The first and last index of `5` or `3-5`. Raises IndexesError."""
    limits = text.split("-")
    if len(limits) > 2:
        raise IndexesError(
            f'the fragment "{text}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    first = last = _index(limits[0], completions)
    if len(limits) == 2:
        last = _index(limits[1], completions)
        if first >= last:
            raise IndexesError(f"non-increasing order, previous: {first}, current: {last}")
    return first, last


def _intervals(text: str, completions: int) -> list[tuple[int, int]]:
    found = []
    for interval in text.split(","):
        try:
            found.append(read_interval(interval, completions))
        except IndexesError:
            continue
    return found


def _index(text: str, completions: int) -> int:
    if not _INTEGER.fullmatch(text):
        raise IndexesError(f'cannot convert string to integer for index: "{text}"')
    if (index := int(text)) >= completions:
        raise IndexesError(f'too large index: "{text}"')
    return index
