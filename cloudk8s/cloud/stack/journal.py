"""What was intended and what came of it, written down around every call.

The cloud's tags are the state; the journal only bridges the moments in which the cloud does not show yet what it has
made (or still shows what it has deleted). Losing it is safe: names, tokens and tags on creation make a repeated call
find the first one's result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cloudk8s.cloud.stack.interface import Observation, Observed
from cloudk8s.cloud.stack.resource import Owner
from cloudk8s.cloud.stack.timing import SystemTimer, Timer
from cloudk8s.machinery.codec import DecodeError, decode, encode

LONGEST_ENTRY = 4096


@dataclass(frozen=True, slots=True)
class Intent:
    """One call that is about to be made."""

    owner: Owner
    action: str
    type: str
    key: str
    token: str

    def as_dict(self) -> dict[str, str]:
        return {
            "cluster": self.owner.cluster, "owner": self.owner.uid, "action": self.action, "type": self.type,
            "key": self.key, "token": self.token,
        }  # fmt: skip


class Journal(Protocol):
    """Called from several threads."""

    def intend(self, intent: Intent) -> None:
        """Write the intent down; when this returns it survives a crash, as far as the journal promises that."""

    def made(self, intent: Intent, observed: Observed) -> None:
        """The call answered; called right after it, before anything else."""

    def deleted(self, intent: Intent, observed: Observed) -> None:
        """The resource was deleted."""

    def correct(self, observation: Observation) -> Observation:
        """The observation, with what was made a moment ago and without what was deleted a moment ago."""


@dataclass(slots=True)
class MemoryJournal:
    """Remembers for `window` seconds, in this process."""

    window: float = 60.0
    timer: Timer = field(default_factory=SystemTimer)
    _made: dict[tuple[str, str], tuple[float, Observed]] = field(default_factory=dict)
    _deleted: dict[tuple[str, str], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def intend(self, intent: Intent) -> None:
        """Nothing: an intent that dies with the process is found again by its name, token and tags."""

    def made(self, intent: Intent, observed: Observed) -> None:
        with self._lock:
            self._deleted.pop((observed.type, observed.id), None)  # an id may be a name, and used again
            self._made[observed.type, observed.id] = (self.timer.monotonic(), observed)

    def deleted(self, intent: Intent, observed: Observed) -> None:
        with self._lock:
            self._forget(observed)

    def correct(self, observation: Observation) -> Observation:
        with self._lock:
            self._expire()
            listed = {(entry.type, entry.id) for entry in observation.resources}
            kept = tuple(e for e in observation.resources if (e.type, e.id) not in self._deleted or not e.is_alive)
            missing = tuple(entry for name, (_, entry) in self._made.items() if name not in listed)
        return Observation(kept + missing)

    def _forget(self, observed: Observed) -> None:
        """Note that it is gone, and what was within it."""
        self._made.pop((observed.type, observed.id), None)
        self._deleted[observed.type, observed.id] = self.timer.monotonic()
        for _, entry in list(self._made.values()):
            if entry.within == observed.id:
                self._forget(entry)

    def _expire(self) -> None:
        oldest = self.timer.monotonic() - self.window
        self._made = {name: entry for name, entry in self._made.items() if entry[0] >= oldest}
        self._deleted = {name: when for name, when in self._deleted.items() if when >= oldest}


class FileJournal:
    """A MemoryJournal that also appends every intent and result to a file, durable before the call is made.

    Every entry has its time: `last_entry` tells the next process how long ago this one worked.
    """

    def __init__(
        self, path: Path, *, memory: MemoryJournal | None = None, now: Callable[[], float] = time.time,
        keep: bool = True,
    ) -> None:  # fmt: skip
        self._memory = memory or MemoryJournal()
        self._file = path.open("ab" if keep else "wb")
        self._lock = threading.Lock()
        self._now = now

    def intend(self, intent: Intent) -> None:
        self._append({"event": "intend", **intent.as_dict()})

    def made(self, intent: Intent, observed: Observed) -> None:
        self._append({"event": "made", **intent.as_dict(), "id": observed.id})
        self._memory.made(intent, observed)

    def deleted(self, intent: Intent, observed: Observed) -> None:
        self._append({"event": "deleted", **intent.as_dict(), "id": observed.id})
        self._memory.deleted(intent, observed)

    def correct(self, observation: Observation) -> Observation:
        return self._memory.correct(observation)

    def close(self) -> None:
        self._file.close()

    def _append(self, entry: Mapping[str, Any]) -> None:
        import os

        with self._lock:
            self._file.write(encode({**entry, "at": self._now()}) + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())


def last_entry(path: Path) -> float | None:
    """When the last entry of a file journal was written; None where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LONGEST_ENTRY))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            return float(decode(line)["at"])
        except (DecodeError, KeyError, TypeError):  # the crash came while this line was written
            continue
    return None


def unfinished(lines: Iterable[bytes]) -> list[Mapping[str, Any]]:
    """Intents of a file journal that no result follows: what a crash may have left half done."""
    open_intents: dict[tuple[str, str], Mapping[str, Any]] = {}
    for line in lines:
        try:
            entry = decode(line)
        except DecodeError:  # the crash came while this line was written, so the call was never made
            continue
        name = (entry["action"], entry["token"])
        if entry["event"] == "intend":
            open_intents[name] = entry
        else:
            open_intents.pop(name, None)
    return list(open_intents.values())
