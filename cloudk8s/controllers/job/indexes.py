"""Completion indexes: sets of small numbers, written as `0-3,7`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of

INDEX = "batch.kubernetes.io/job-completion-index"


def index_of(pod: Object) -> int | None:
    """The completion index of a pod; None if it has none."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isascii() and text.isdigit() else None


def parse(text: str, completions: int) -> set[int]:
    """Read `0-3,7`; what is not below `completions`, or not a number, is dropped."""
    found: set[int] = set()
    for part in filter(None, (text or "").split(",")):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            found.update(range(int(first), min(int(last or first) + 1, completions)))
    return {number for number in found if number < completions}


def format(numbers: Iterable[int]) -> str:
    """The canonical text: ranges of three and more are joined by a dash."""
    parts: list[str] = []
    for first, last in _ranges(sorted(numbers)):
        if last == first:
            parts.append(str(first))
        else:
            parts.append(f"{first}{',' if last == first + 1 else '-'}{last}")
    return ",".join(parts)


def pending(taken: set[int], count: int, completions: int) -> Sequence[int]:
    """The first `count` indexes that nobody has."""
    return list(islice((number for number in range(completions) if number not in taken), count))


def _ranges(ordered: Sequence[int]) -> Iterable[tuple[int, int]]:
    first: int | None = None
    last = -1
    for number in ordered:
        if first is None:
            first = number
        elif number != last + 1:
            yield first, last
            first = number
        last = number
    if first is not None:
        yield first, last
