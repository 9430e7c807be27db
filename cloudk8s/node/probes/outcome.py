"""How one probe of a container came out, and what a row of outcomes means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Health = Literal["unknown", "success", "failure"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer; `text` is what the event tells of a failure."""

    is_success: bool
    text: str = ""
    is_warning: bool = False
    """A success that the event tells of, because it is not what was meant."""


class ProbeError(Exception):
    """The probe itself could not be made; it counts as neither success nor failure of the container."""


class Verdict:
    """Turns outcomes into a health: it changes once the threshold of equal outcomes is reached."""

    def __init__(self, initial: Health, *, success_threshold: int, failure_threshold: int) -> None:
        self.health: Health = initial
        self._thresholds = {True: max(1, success_threshold), False: max(1, failure_threshold)}
        self._last: bool | None = None
        self._row = 0

    def observe(self, is_success: bool) -> bool:
        """Take one outcome; True where the threshold is reached."""
        self._row = self._row + 1 if is_success == self._last else 1
        self._last = is_success
        if self._row < self._thresholds[is_success]:
            return False
        self.health = "success" if is_success else "failure"
        return True
