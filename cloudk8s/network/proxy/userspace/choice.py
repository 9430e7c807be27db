"""Choose a backend for a client."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence

from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.doors import Door


class Chooser:
    """Picks at random, or the backend that the client had; one for each door, kept while the door changes."""

    def __init__(self, door: Door, *, clock: Clock, is_own: Callable[[str], bool]) -> None:
        self.door = door
        self._clock, self.is_own = clock, is_own
        self._known: dict[str, tuple[Backend, float]] = {}

    def shows(self, client: str) -> bool:
        """Whether backends are to see this client's address."""
        return self.door.keeps_client and not self.is_own(client)

    def choose(self, client: str, *, tried: Collection[Backend] = ()) -> Backend | None:
        """A backend for this client that was not tried yet; None if there is none or the client may not come in."""
        if not self.door.admits(client):
            return None
        offered = self.door.inside_backends if self.is_own(client) else self.door.backends
        left = [backend for backend in offered if backend not in tried]
        if not left:
            return None
        if not self.door.affinity_seconds:
            return random.choice(left)
        return self._stick(client, left)

    def _stick(self, client: str, left: Sequence[Backend]) -> Backend:
        now = self._clock.monotonic()
        backend, until = self._known.get(client, (None, 0.0))
        if backend is None or until <= now or backend not in left:
            backend = random.choice(left)
        self._known[client] = (backend, now + self.door.affinity_seconds)
        if len(self._known) > 65536:
            self._known = {name: entry for name, entry in self._known.items() if entry[1] > now}
        return backend
