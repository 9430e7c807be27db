"""Tell of nodes that come and go."""

from __future__ import annotations

from typing import Final

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of

MOST: Final = 100
"""Nodes at once of which each is told; where more come, as thousands do at a start, that is known to everybody."""


class Arrivals:
    """Collects, and tells when asked to."""

    def __init__(self, events: EventRecorder) -> None:
        self._events = events
        self._added: list[Object] = []
        self._removed: list[Object] = []

    def added(self, node: Object) -> None:
        self._added.append(node)

    def removed(self, node: Object) -> None:
        self._removed.append(node)

    def tell(self) -> None:
        """An event for each node since the last time."""
        added, self._added = self._added, []
        removed, self._removed = self._removed, []
        for node in added if len(added) <= MOST else ():
            self._say(node, "RegisteredNode", f"Registered Node {name_of(node)} in Controller")
        for node in removed if len(removed) <= MOST else ():
            self._say(node, "RemovingNode", f"Removing Node {name_of(node)} from Controller")

    def _say(self, node: Object, reason: str, what: str) -> None:
        self._events.normal(node, reason, f"Node {name_of(node)} event: {what}")
