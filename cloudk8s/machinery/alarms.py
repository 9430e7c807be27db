"""Times that thousands wait for, one timer for all who are due at about the same moment.

A timer of one's own costs three quarters of a kilobyte, of which tens of thousands of idle watches have no use.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Final, Protocol

_PARTS: Final = 256
_log = logging.getLogger(__name__)


class Sleeper(Protocol):
    """Who waits."""

    def wake(self) -> None:
        """The time has come. Must not block."""


class Moment:
    """Those who are woken together; whoever is in it may leave it."""

    __slots__ = ("_alarms", "_timer", "sleepers", "time")

    def __init__(self, alarms: Alarms, time: float) -> None:
        self.time = time
        self.sleepers: set[Sleeper] = set()
        self._alarms = alarms
        self._timer = asyncio.get_running_loop().call_at(time, self._ring)

    def leave(self, sleeper: Sleeper) -> None:
        """Let it sleep on. Idempotent."""
        self.sleepers.discard(sleeper)
        if not self.sleepers:
            self._timer.cancel()
            self._alarms.forget(self)

    def _ring(self) -> None:
        self._alarms.forget(self)
        for sleeper in tuple(self.sleepers):
            try:
                sleeper.wake()
            except Exception:  # noqa: BLE001 - the others are woken all the same
                _log.exception("%r was woken and failed", sleeper)


class Alarms:
    """Wakes each in its time, or late by a part in 256 of it. For one event loop."""

    def __init__(self) -> None:
        self._moments: dict[float, Moment] = {}

    def set(self, sleeper: Sleeper, seconds: float) -> Moment:
        """Wake it once, after so many seconds, unless it leaves the moment before."""
        grain = 2.0 ** (math.frexp(max(seconds, 0.001) / _PARTS)[1] - 1)
        time = math.ceil((asyncio.get_running_loop().time() + seconds) / grain) * grain
        moment = self._moments.get(time)
        if moment is None:
            moment = self._moments[time] = Moment(self, time)
        moment.sleepers.add(sleeper)
        return moment

    def forget(self, moment: Moment) -> None:
        """It is over, or nobody waits for it."""
        if self._moments.get(moment.time) is moment:
            del self._moments[moment.time]

    def __len__(self) -> int:
        """How many moments are waited for."""
        return len(self._moments)
