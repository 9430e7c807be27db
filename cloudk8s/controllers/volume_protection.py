"""Keep PersistentVolumes while they are bound.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import finalizers_of, is_deleting, name_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUMES
from cloudk8s.controllers.interface import ControllerContext

FINALIZER: Final = "kubernetes.io/pv-protection"


class VolumeProtection:
    """Puts its finalizer on volumes, and takes it off those that are deleted and not bound."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue("volume protection", clock=context.clock)
        self._volumes = context.informers.of(PERSISTENT_VOLUMES)
        self._volumes.add_handler(self._volume_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_deleting(new) == (FINALIZER in finalizers_of(new)):
            self._queue.add(name_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        volume = self._volumes.get(name)
        if volume is None:
            return None
        is_protected = FINALIZER in finalizers_of(volume)
        if not is_deleting(volume) and not is_protected:
            await self._write(volume, [*finalizers_of(volume), FINALIZER])
        elif is_deleting(volume) and is_protected and status_of(volume).get("phase") != "Bound":
            await self._write(volume, [item for item in finalizers_of(volume) if item != FINALIZER])
        return None

    async def _write(self, volume: Object, finalizers: list[str]) -> None:
        metadata = {**volume["metadata"], "finalizers": finalizers}
        await self._context.client.update(PERSISTENT_VOLUMES, {**volume, "metadata": metadata})
