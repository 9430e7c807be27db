"""Below which marks a node is under pressure, as `--eviction-hard` and `--eviction-soft` say it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from cloudk8s.errors import SettingsError
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import QuantityError
from cloudk8s.machinery.times import TimeError, parse_duration

SIGNALS: Final[Mapping[str, tuple[str, str]]] = {
    "memory.available": ("memory", "MemoryPressure"),
    "nodefs.available": ("ephemeral-storage", "DiskPressure"),
    "nodefs.inodesFree": ("inodes", "DiskPressure"),
    "imagefs.available": ("ephemeral-storage", "DiskPressure"),
    "imagefs.inodesFree": ("inodes", "DiskPressure"),
    "pid.available": ("pids", "PIDPressure"),
}
"""The scarce resource and the node's condition, by signal; memory is looked at first."""
_OPERATOR: Final = "<"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One mark: an amount, or a part of what there is."""

    signal: str
    amount: int = 0
    part: float = 0.0
    most: int = 0
    """The part counts as no more than this; 0 is no bound."""
    grace: timedelta | None = None
    """How long the node may stay below the mark; None is a hard one."""

    def mark(self, capacity: int) -> int:
        """The amount, where there is this much in all."""
        if not self.part:
            return self.amount
        wanted = int(capacity * self.part)
        return min(wanted, self.most) if self.most else wanted


DEFAULTS: Final = (
    Threshold("memory.available", amount=100 << 20),
    Threshold("nodefs.available", part=0.1, most=2 << 30),
    Threshold("nodefs.inodesFree", part=0.05),
    Threshold("imagefs.available", part=0.15, most=2 << 30),
    Threshold("imagefs.inodesFree", part=0.05),
    Threshold("pid.available", part=0.05),
)
"""Upstream's, but a large disk counts as full only with less than 2 GiB left, and process ids are watched.

Nodes here are often somebody's own machine, whose disk is used to being nine tenths full.
"""


def parse(text: str, flag: str) -> tuple[Threshold, ...]:
    """Read `memory.available<100Mi,nodefs.available<10%`; SettingsError for what can't be."""
    return tuple(_parse_one(part.strip(), flag) for part in text.split(",") if part.strip())


def with_grace(thresholds: tuple[Threshold, ...], text: str) -> tuple[Threshold, ...]:
    """Soft ones, with their grace periods: `memory.available=1m30s,…`; SettingsError where one has none."""
    periods: dict[str, timedelta] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        signal, _, period = part.partition("=")
        try:
            periods[signal] = parse_duration(period)
        except TimeError as error:
            raise SettingsError(f"--eviction-soft-grace-period {part}: {error}") from error
    for each in thresholds:
        if each.signal not in periods:
            raise SettingsError(f"--eviction-soft {each.signal}: --eviction-soft-grace-period does not name it")
    return tuple(replace(each, grace=periods[each.signal]) for each in thresholds)


def _parse_one(text: str, flag: str) -> Threshold:
    signal, operator, value = text.partition(_OPERATOR)
    if not operator or signal not in SIGNALS:
        raise SettingsError(f"{flag} {text}: write SIGNAL<VALUE; the signals are {', '.join(SIGNALS)}")
    try:
        if value.endswith("%"):
            part = float(value[:-1]) / 100
            if not 0 <= part < 1:
                raise SettingsError(f"{flag} {text}: a part is at least 0% and less than 100%")
            return Threshold(signal, part=part)
        return Threshold(signal, amount=quantity.parse(value).value)
    except (ValueError, QuantityError) as error:
        raise SettingsError(f"{flag} {text}: neither a quantity nor a percentage") from error
