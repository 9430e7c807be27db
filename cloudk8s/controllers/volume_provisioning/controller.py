"""The loops around one provisioner: claims to be served, volumes to grow, volumes to be deleted."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.volume_provisioning.claims import ClaimSync
from cloudk8s.controllers.volume_provisioning.expansion import ExpansionSync
from cloudk8s.controllers.volume_provisioning.interface import Provisioner
from cloudk8s.controllers.volume_provisioning.volumes import VolumeSync

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 60.0


class VolumeProvisioning:
    """A controller. What fails is tried again, after half a second at first and a minute at most."""

    def __init__(self, context: ControllerContext, provisioner: Provisioner) -> None:
        self._workers = context.options.concurrent_syncs
        events = context.events.for_component(provisioner.component)
        client, clock, name = context.client, context.clock, provisioner.name
        queue = partial(
            WorkQueue[str], clock=clock, base_delay=_FIRST_SECONDS, max_delay=_LONGEST_SECONDS,
            instruments=context.instruments,
        )  # fmt: skip
        self._claim_queue = queue(f"{name} claims")
        self._volume_queue = queue(f"{name} volumes")
        self._claims = context.informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._claims.add_handler(self._claim_changed)
        self._volumes = context.informers.of(PERSISTENT_VOLUMES)
        self._volumes.add_handler(self._volume_changed)
        classes = context.informers.of(STORAGE_CLASSES)
        classes.add_handler(self._class_changed)
        self._claim_sync = ClaimSync(client, events, classes, self._volumes, provisioner)
        self._expansion_sync = ExpansionSync(client, events, clock, self._volumes, provisioner)
        self._volume_sync = VolumeSync(client, events, provisioner)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(run_workers(self._claim_queue, self._workers, self._look_at_claim))
            group.create_task(run_workers(self._volume_queue, self._workers, self._look_at_volume))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._claim_queue.add(key_of(new))

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._volume_queue.add(name_of(new))

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None:
            for claim in self._claims.list():
                self._claim_queue.add(key_of(claim))

    async def _look_at_claim(self, key: str) -> timedelta | None:
        claim = self._claims.get_key(key)
        if claim is not None:
            await self._claim_sync.sync(claim)
            await self._expansion_sync.sync(claim)
        return None

    async def _look_at_volume(self, name: str) -> timedelta | None:
        volume = self._volumes.get(name)
        if volume is not None:
            await self._volume_sync.sync(volume)
        return None
