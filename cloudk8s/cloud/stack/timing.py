"""Time for blocking code: the engine runs in worker threads, where an event loop's clock is of no use."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Timer(Protocol):
    """What blocking code may know about time."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def pause(self, seconds: float) -> None:
        """Block this thread for a while."""


class SystemTimer:
    """The machine's own time."""

    def monotonic(self) -> float:
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


class VirtualTimer:
    """Time that passes only by pausing: a pause returns at once, and is remembered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        with self._lock:
            return self._now

    def pause(self, seconds: float) -> None:
        with self._lock:
            self._now += max(0.0, seconds)
            self.pauses.append(seconds)
