"""When a node may lose a volume: when it does not use it, or when waiting for it to say so has no point any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_true, spec_of, status_of
from cloudk8s.machinery.clock import Clock

PATIENCE: Final = timedelta(minutes=6)
"""How long a node that is not healthy may keep a volume that nobody wants on it."""
OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"


@dataclass(slots=True)
class Detaching:
    """Remembers since when attachments are not wanted; a restart starts that anew, as it does upstream."""

    clock: Clock
    may_force: bool = True
    """Whether a node that is not healthy loses its volumes after a while."""
    since: dict[str, float] = field(default_factory=dict)

    def wanted(self, attachment: str) -> None:
        """Somebody wants it (again), or it is gone."""
        self.since.pop(attachment, None)

    def wait(self, attachment: str, unique_name: str, node: Object | None) -> timedelta | None:
        """Zero: detach now. A time: look again then. None: the node has to move first."""
        since = self.since.setdefault(attachment, self.clock.monotonic())
        if node is None or is_out_of_service(node) or not uses(node, unique_name):
            return timedelta(0)
        if not self.may_force or is_true(node, "Ready"):
            return None
        left = since + PATIENCE.total_seconds() - self.clock.monotonic()
        return timedelta(seconds=max(0.0, left))

    def is_forced(self, attachment: str, node: Object) -> bool:
        """Whether the volume goes although the node may still use it."""
        since = self.since.get(attachment, self.clock.monotonic())
        has_waited = self.clock.monotonic() - since >= PATIENCE.total_seconds()
        return is_out_of_service(node) or (self.may_force and has_waited and not is_true(node, "Ready"))


def uses(node: Object, unique_name: str) -> bool:
    """Whether the node says that it has the volume mounted, or is about to."""
    return unique_name in (status_of(node).get("volumesInUse") or ())


def is_out_of_service(node: Object) -> bool:
    """Whether an operator has declared that the node is shut down for good."""
    return any(taint.get("key") == OUT_OF_SERVICE for taint in spec_of(node).get("taints") or ())
