"""Semantic versions, as attributes of devices have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Final

_FORM: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """Ordered by the rules of semver.org 2.0."""

    numbers: tuple[int, int, int]
    pre_release: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises ValueError for what is not a version."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a semantic version")
        parts = tuple(match[4].split(".")) if match[4] else ()
        return cls((int(match[1]), int(match[2]), int(match[3])), parts)

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[Any, ...]:
        """A version without a pre-release comes after those with one; numbers before words."""
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre_release)
        return self.numbers, not self.pre_release, parts
