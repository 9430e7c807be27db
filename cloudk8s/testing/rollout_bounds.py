"""Whether a rolling update keeps its word at every moment, as the events of one watch of its pods tell.

Feed `see` with every event in order. A watch shows each state that there was, so what holds here held throughout: no
more pods than `maxSurge` allows, no fewer ready ones than `maxUnavailable` allows. A pod that is on its way out is
neither, as upstream counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudk8s.client.interface import WatchEvent
from cloudk8s.client.objects import is_deleting, uid_of
from cloudk8s.controllers.pods import is_active, is_ready


@dataclass(slots=True)
class RolloutBounds:
    """See the module. It looks for too few ready pods from the moment on at which all were ready once."""

    replicas: int
    max_surge: int
    max_unavailable: int
    most: int = 0
    """How many pods there were at most."""
    fewest_ready: int | None = None
    """How many were ready at least, since all were; None before."""
    broken: list[str] = field(default_factory=list)
    """What did not hold, in the order it happened."""
    _pods: set[str] = field(default_factory=set)
    _ready: set[str] = field(default_factory=set)

    @property
    def pods(self) -> int:
        return len(self._pods)

    @property
    def ready(self) -> int:
        return len(self._ready)

    def see(self, event: WatchEvent) -> None:
        """Take in what one event of the watch changed."""
        pod, uid = event.object, uid_of(event.object)
        is_there = event.type != "DELETED" and not is_deleting(pod) and is_active(pod)
        _set(self._pods, uid, is_there)
        _set(self._ready, uid, is_there and is_ready(pod))
        self._note()

    def _note(self) -> None:
        self.most = max(self.most, self.pods)
        if self.pods > self.replicas + self.max_surge:
            self.broken.append(f"{self.pods} pods, {self.replicas} and {self.max_surge} more are allowed")
        if self.fewest_ready is not None or self.ready >= self.replicas:
            self.fewest_ready = min(self.ready, self.replicas if self.fewest_ready is None else self.fewest_ready)
            if self.ready < self.replicas - self.max_unavailable:
                self.broken.append(f"{self.ready} ready pods, {self.max_unavailable} of {self.replicas} may be lacking")


def _set(held: set[str], uid: str, is_in: bool) -> None:
    (held.add if is_in else held.discard)(uid)
