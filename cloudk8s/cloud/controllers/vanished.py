"""When to believe that an instance is gone. Pure but for what it remembers.

Clouds answer "not found" for what is too new, in another region, or while their API recovers; each such answer would
delete a healthy node. So: age, a second look, and a breaker for when many vanish at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

AT_LEAST = 3
"""So many nodes may always vanish at once."""


@dataclass(slots=True)
class Vanished:
    """Counts the looks at which each node of a cloud was gone."""

    confirmations: int
    limit: float
    pause: float
    _seen: dict[str, int] = field(default_factory=dict)
    _tripped: dict[str, float] = field(default_factory=dict)

    def look(self, gone: Mapping[str, str], total: Mapping[str, int], now: float) -> tuple[set[str], set[str]]:
        """Nodes (by UID) that may be deleted now, and clouds whose breaker is open.

        `gone` has the cloud of every node that this look found gone, `total` how many nodes each cloud has.
        """
        self._seen = {uid: self._seen.get(uid, 0) + 1 for uid in gone}
        open_ = {cloud for cloud in set(gone.values()) if self._is_open(cloud, gone, total, now)}
        for cloud in self._tripped.keys() - set(gone.values()):
            del self._tripped[cloud]
        ready = {uid for uid, cloud in gone.items() if self._seen[uid] >= self.confirmations and cloud not in open_}
        return ready, open_

    def keep(self, uids: Collection[str]) -> None:
        """Forget every node but these."""
        self._seen = {uid: count for uid, count in self._seen.items() if uid in uids}

    def _is_open(self, cloud: str, gone: Mapping[str, str], total: Mapping[str, int], now: float) -> bool:
        count = sum(1 for owner in gone.values() if owner == cloud)
        if count <= AT_LEAST or count <= self.limit * total.get(cloud, count):
            self._tripped.pop(cloud, None)
            return False
        since = self._tripped.setdefault(cloud, now)
        return now - since < self.pause
