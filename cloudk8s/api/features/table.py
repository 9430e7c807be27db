"""The table of feature gates: `gates.txt`, read once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Stage(NamedTuple):
    """What a gate is from a minor version on."""

    since: int
    name: str
    default: bool
    locked: bool


class Gate(NamedTuple):
    """One gate: its stages in order, and the fields that are dropped while it is off."""

    stages: tuple[Stage, ...]
    fields: tuple[str, ...]

    def stage(self, minor: int) -> Stage | None:
        """Where the gate stands in a minor version; None before its first."""
        reached = [stage for stage in self.stages if stage.since <= minor]
        return reached[-1] if reached else None


@cache
def gates() -> Mapping[str, Gate]:
    """Every gate that something here depends on."""
    return {name: _gate(rest) for name, _, rest in (line.partition(" ") for line in _lines() if line[0] != "-")}


@cache
def without_effect() -> frozenset[str]:
    """Upstream's other gates."""
    return frozenset(name for line in _lines() if line[0] == "-" for name in line[1:].split())


def _lines() -> list[str]:
    text = files("cloudk8s.api.features").joinpath("gates.txt").read_text()
    return [line for line in text.splitlines() if line and line[0] != "#"]


def _gate(text: str) -> Gate:
    stages, _, fields = text.partition("|")
    return Gate(tuple(_stage(part) for part in stages.split()), tuple(fields.split()))


def _stage(text: str) -> Stage:
    name, _, since = text.partition(":")
    return Stage(int(since.rstrip("+=")), name, since[-1] in "+=", since[-1] == "=")
