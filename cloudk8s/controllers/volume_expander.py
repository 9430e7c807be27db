"""Say of claims that ask for more than they have that the driver of their volume will see to it.

Upstream's controller grew the volumes of built-in plugins, of which none is left; drivers grow theirs themselves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, spec_of, status_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.machinery.quantity import Quantity, parse

COMPONENT: Final = "volume_expand"
MESSAGE: Final = "waiting for an external controller to expand this PVC"


class VolumeExpander:
    """One event for each time that a bound claim asks for more."""

    def __init__(self, context: ControllerContext) -> None:
        self._events = context.events.for_component(COMPONENT)
        self._queue: WorkQueue[str] = WorkQueue("volume expander", clock=context.clock, instruments=context.instruments)
        self._volumes = context.informers.of(PERSISTENT_VOLUMES)
        self._claims = context.informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._claims.add_handler(self._changed)

    async def run(self) -> None:
        await run_workers(self._queue, 1, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or not _wants_more(new):
            return
        if old is None or not _wants_more(old) or _wanted(new) != _wanted(old):
            self._queue.add(key_of(new))

    async def _reconcile(self, key: str) -> timedelta | None:
        claim = self._claims.get_key(key)
        if claim is None or not _wants_more(claim):
            return None
        volume = self._volumes.get(spec_of(claim).get("volumeName") or "")
        if volume is not None and (spec_of(volume).get("claimRef") or {}).get("uid") == uid_of(claim):
            self._events.normal(claim, "ExternalExpanding", MESSAGE)
        return None


def _wants_more(claim: Object) -> bool:
    has = (status_of(claim).get("capacity") or {}).get("storage")
    wanted = _wanted(claim)
    if status_of(claim).get("phase") != "Bound" or not has or wanted is None:
        return False
    return parse(str(has)) < wanted


def _wanted(claim: Object) -> Quantity | None:
    found = ((spec_of(claim).get("resources") or {}).get("requests") or {}).get("storage")
    return None if found is None else parse(str(found))
