"""A namespace's policy: a level and a version for each of the three modes, from its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["privileged", "baseline", "restricted"]
PREFIX: Final = "pod-security.kubernetes.io/"
_LEVELS: Final[tuple[Level, ...]] = ("privileged", "baseline", "restricted")
_VERSION: Final = re.compile(r"v1\.([0-9]|[1-9][0-9]*)")
LATEST: Final = 10_000
"""Stands for "latest" where versions are compared."""


@dataclass(frozen=True, slots=True)
class LevelVersion:
    """A level at a minor version."""

    level: Level = "privileged"
    minor: int = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{'latest' if self.minor == LATEST else f'v1.{self.minor}'}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens to a pod that violates a level: refused, noted in the audit log, warned about."""

    enforce: LevelVersion = LevelVersion()
    audit: LevelVersion = LevelVersion()
    warn: LevelVersion = LevelVersion()

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> tuple[Policy, list[tuple[str, str, str]]]:
        """The policy, and for each label that makes no sense: label, value, what it must be.

        A wrong level counts as restricted, a wrong version as latest. Without a level of its own, warning and auditing
        follow enforcement.
        """
        if not any(key.startswith(PREFIX) for key in labels):
            return _LENIENT, []
        problems: list[tuple[str, str, str]] = []
        found: dict[str, LevelVersion] = {}
        for mode in ("enforce", "audit", "warn"):
            level: Level = "privileged"
            if (text := labels.get(PREFIX + mode)) is not None:
                parsed = parse_level(text)
                if parsed is None:
                    problems.append((PREFIX + mode, text, f"must be one of {', '.join(_LEVELS)}"))
                level = parsed or "restricted"
            minor = LATEST
            if (text := labels.get(f"{PREFIX}{mode}-version")) is not None:
                number = parse_version(text)
                if number is None:
                    problems.append((f"{PREFIX}{mode}-version", text, 'must be "latest" or "v1.x"'))
                minor = LATEST if number is None else number
            found[mode] = LevelVersion(level, minor)
        return cls(**found), problems


_LENIENT: Final = Policy()


def parse_level(text: str) -> Level | None:
    """A level by its name, None for another text."""
    return next((level for level in _LEVELS if level == text), None)


def parse_version(text: str) -> int | None:
    """The minor of `v1.N`, `LATEST` for `latest`, None for another text."""
    if text == "latest":
        return LATEST
    match = _VERSION.fullmatch(text)
    return int(match[1]) if match else None
