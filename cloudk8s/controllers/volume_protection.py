"""Keep PersistentVolumes while they are bound.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUMES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.protection import Protection

FINALIZER: Final = "kubernetes.io/pv-protection"


class VolumeProtection:
    """Puts its finalizer on volumes, and takes it off those that are deleted and not bound."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue("pvprotection", clock=context.clock, instruments=context.instruments)
        self._protection = Protection(context.client, PERSISTENT_VOLUMES, FINALIZER)
        self._volumes = context.informers.of(PERSISTENT_VOLUMES)
        self._volumes.add_handler(self._volume_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if self._protection.is_due(new):
            self._queue.add(name_of(new or {}))

    async def _reconcile(self, name: str) -> timedelta | None:
        await self._protection.settle(self._volumes.get(name), _is_bound)
        return None


async def _is_bound(volume: Object) -> bool:
    return bool(status_of(volume).get("phase") == "Bound")
