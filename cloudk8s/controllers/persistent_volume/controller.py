"""Which volumes and claims to look at, and when. https://kubernetes.io/docs/concepts/storage/persistent-volumes/"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, key_of, name_of, spec_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS, STORAGE_CLASSES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.persistent_volume.binding import Binding
from cloudk8s.controllers.persistent_volume.claims import ClaimSync
from cloudk8s.controllers.persistent_volume.facts import BIND_COMPLETED, claim_key, class_of, names_class
from cloudk8s.controllers.persistent_volume.volumes import VolumeSync
from cloudk8s.controllers.volume_users import BY_CLAIM, claims_of

BY_WAIT: Final = "waiting"
"""Index of unbound claims by class, and of volumes that are not settled."""
_ANY_CLASS: Final = "(says nothing)"
_UNSETTLED: Final = "unsettled"


class PersistentVolumeBinder:
    """One worker looks at claims and one at volumes; what waits is looked at again every fifteen seconds."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        events = context.events.for_component("persistentvolume-controller")
        provisions = context.options.enable_dynamic_provisioning
        clock = context.clock
        self._claim_queue: WorkQueue[str] = WorkQueue("claims", clock=clock, instruments=context.instruments)
        self._volume_queue: WorkQueue[str] = WorkQueue("volumes", clock=clock, instruments=context.instruments)
        self._claims = context.informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._claims.add_index(BY_WAIT, _waiting_claim)
        self._claims.add_handler(self._claim_changed)
        self._volumes = context.informers.of(PERSISTENT_VOLUMES)
        self._volumes.add_index(BY_WAIT, _unsettled_volume)
        self._volumes.add_index(BY_CLAIM, _claim_of_volume)
        self._volumes.add_handler(self._volume_changed)
        self._classes = context.informers.of(STORAGE_CLASSES)
        self._classes.add_handler(self._class_changed)
        pods = context.informers.of(PODS)
        pods.add_index(BY_CLAIM, claims_of)
        binding = Binding(context.client, events)
        self._claim_sync = ClaimSync(context.client, events, binding, self._volumes, self._classes, pods, provisions)
        self._volume_sync = VolumeSync(context.client, events, binding, self._claims, self._claim_queue.add)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._resync())
            group.create_task(run_workers(self._claim_queue, 1, self._look_at_claim))
            group.create_task(run_workers(self._volume_queue, 1, self._look_at_volume))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._claim_queue.add(key_of(new))
        for claim in (old, new):
            if claim is not None and (volume := spec_of(claim).get("volumeName")):
                self._volume_queue.add(volume)
        if new is None and old is not None:
            for volume in self._volumes.by_index(BY_CLAIM, key_of(old)):
                self._volume_queue.add(name_of(volume))

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        volume = new or old
        assert volume is not None
        if new is not None:
            self._volume_queue.add(name_of(new))
        if claim := claim_key(volume):
            self._claim_queue.add(claim)
        elif new is not None and status_of(new).get("phase") == "Available":
            self._enqueue_waiting(class_of(new))

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._enqueue_waiting(name_of(new))
            self._enqueue_waiting(_ANY_CLASS)

    def _enqueue_waiting(self, value: str) -> None:
        for claim in self._claims.by_index(BY_WAIT, value):
            self._claim_queue.add(key_of(claim))

    async def _resync(self) -> None:
        period = self._context.options.pvclaimbinder_sync_period.total_seconds()
        while True:
            await self._context.clock.sleep(period)
            for value in list(self._claims.index_values(BY_WAIT)):
                self._enqueue_waiting(value)
            for volume in self._volumes.by_index(BY_WAIT, _UNSETTLED):
                self._volume_queue.add(name_of(volume))

    async def _look_at_claim(self, name: str) -> timedelta | None:
        claim = self._claims.get_key(name)
        if claim is not None:
            await self._claim_sync.sync(claim)
        return None

    async def _look_at_volume(self, name: str) -> timedelta | None:
        volume = self._volumes.get(name)
        if volume is not None:
            await self._volume_sync.sync(volume)
        return None


def _waiting_claim(claim: Object) -> Iterable[str]:
    if BIND_COMPLETED in annotations_of(claim) and status_of(claim).get("phase") == "Bound":
        return ()
    return (class_of(claim), *(() if names_class(claim) else (_ANY_CLASS,)))


def _unsettled_volume(volume: Object) -> Iterable[str]:
    return () if status_of(volume).get("phase") in ("Available", "Bound") else (_UNSETTLED,)


def _claim_of_volume(volume: Object) -> Iterable[str]:
    claim = claim_key(volume)
    return (claim,) if claim else ()
