"""What the last listing showed, and what was done since: whether a machine exists already, and how often one died."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from cloudk8s.plugin import Machine

DEAD = ("deleting", "gone")


class Listings:
    """By cluster; safe to use by threads. A listing is good for `fresh` seconds; idempotency tokens cover the rest."""

    def __init__(self, monotonic: Callable[[], float], *, fresh: float) -> None:
        self._monotonic = monotonic
        self._fresh = fresh
        self._lock = threading.Lock()
        self._taken: dict[str, float] = {}
        self._machines: dict[str, dict[str, Machine]] = {}
        self._launches: dict[str, int] = {}

    def remember(self, cluster: str, machines: Iterable[Machine]) -> None:
        """A complete listing."""
        with self._lock:
            self._taken[cluster] = self._monotonic()
            self._machines[cluster] = {machine.id: machine for machine in machines}

    def made(self, cluster: str, machines: Iterable[Machine]) -> None:
        """An answer of the creating call."""
        with self._lock:
            for machine in machines:
                self._machines.setdefault(cluster, {})[machine.id] = machine
                self._launches[machine.uid] = self._launches.get(machine.uid, 0) + 1

    def deleted(self, ids: Collection[str]) -> None:
        """Deletion has begun."""
        with self._lock:
            for machines in self._machines.values():
                for id in ids:
                    if id in machines:
                        machines[id] = replace(machines[id], state="deleting")

    def forget(self, cluster: str) -> None:
        """Something is not known for certain: list again before the next creation."""
        with self._lock:
            self._taken.pop(cluster, None)

    def is_fresh(self, cluster: str) -> bool:
        with self._lock:
            return self._monotonic() - self._taken.get(cluster, float("-inf")) <= self._fresh

    def present(self, cluster: str) -> Mapping[str, Machine]:
        """Living machines, by UID."""
        with self._lock:
            return {m.uid: m for m in self._machines.get(cluster, {}).values() if m.state not in DEAD}

    def deaths(self, cluster: str, uid: str) -> int:
        """How many machines of a UID are known to be no more; each makes the next one's token another one."""
        with self._lock:
            dead = sum(m.uid == uid and m.state in DEAD for m in self._machines.get(cluster, {}).values())
            return max(dead, self._launches.get(uid, 0))
