"""What goes wrong with clouds, on demand and repeatable: one fault layer for every fake, emulator and SDK.

Whoever carries out calls asks `before` with the call's name, and `after` once it took effect: an error in `after` is a
lost answer. Everything random comes from a seed.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from cloudk8s.errors import CloudError, RetryLater

STILL_USED_FOR = timedelta(seconds=10)


class Crash(BaseException):
    """The process is gone: nothing in it may catch this."""


class Throttled(CloudError):
    """The cloud refuses calls that come too fast."""


class StillUsed(RetryLater):
    """The thing can't be deleted while something refers to it."""


class LostAnswer(CloudError):
    """The call took effect, but the answer never arrived."""


@dataclass(slots=True)
class Faults:
    """Shares are of all calls, 0 to 1. `mutates` tells from a call's name whether it changes anything."""

    seed: int = 0
    latency: float = 0.0
    """Seconds that every call takes."""
    throttled: float = 0.0
    lost: float = 0.0
    failing: dict[str, list[Exception]] = field(default_factory=dict)
    """Errors for the next calls of a name, used up one by one."""
    crash_after: int = 0
    """Crash once n mutating calls were made and one took effect, also where several are at once; 0 is never."""
    crash_before: int = 0
    """Crash when the n-th mutating call is about to be made; 0 is never."""
    refused_deletes: int = 0
    """How many deletions from now on are refused as dependency violations."""
    pause: Callable[[float], None] = lambda seconds: None
    mutates: Callable[[str], bool] = lambda call: (
        not call.startswith(("list", "describe", "get", "Describe", "Get", "List"))
    )
    deletes: Callable[[str], bool] = lambda call: call.lower().startswith(("delete", "destroy"))
    """Tells from a call's name whether it deletes something."""
    calls: list[str] = field(default_factory=list)
    _random: random.Random = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _mutations: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def before(self, call: str) -> None:
        """The call is about to be made; raises when it never arrives."""
        with self._lock:
            self.calls.append(call)
            if self.mutates(call):
                self._mutations += 1
                if self._mutations == self.crash_before:
                    raise Crash(call)
            if errors := self.failing.get(call):
                raise errors.pop(0)
            if self.refused_deletes and self.deletes(call):
                self.refused_deletes -= 1
                raise StillUsed(STILL_USED_FOR, f"{call}: something still refers to it")
            throttled = self.throttled and self._random.random() < self.throttled
        if self.latency:
            self.pause(self.latency)
        if throttled:
            raise Throttled(f"{call}: rate exceeded")

    def after(self, call: str) -> None:
        """The call took effect; raises when its answer is lost."""
        with self._lock:
            if self.mutates(call) and 0 < self.crash_after <= self._mutations:  # others may be under way by now
                raise Crash(call)
            lost = self.lost and self._random.random() < self.lost
        if lost:
            raise LostAnswer(f"{call}: connection reset")

    def heal(self) -> None:
        """Nothing goes wrong from now on."""
        self.latency = self.throttled = self.lost = 0.0
        self.crash_after = self.crash_before = self.refused_deletes = 0
        self.failing.clear()

    @property
    def mutations(self) -> list[str]:
        """The calls that changed something, or tried to."""
        return [call for call in self.calls if self.mutates(call)]

    @property
    def reads(self) -> list[str]:
        """The calls that only looked."""
        return [call for call in self.calls if not self.mutates(call)]

    def forget(self) -> None:
        """Start counting anew."""
        with self._lock:
            self.calls.clear()
            self._mutations = 0
