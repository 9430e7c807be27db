"""Keep VolumeAttributesClasses while a volume or a claim uses them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, VOLUME_ATTRIBUTES_CLASSES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.protection import Protection

FINALIZER: Final = "kubernetes.io/vac-protection"
BY_CLASS: Final = "volume attributes class"


class AttributesClassProtection:
    """Puts its finalizer on classes, and takes it off those that are deleted and not used."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue("vac_protection", clock=context.clock, instruments=context.instruments)
        self._protection = Protection(context.client, VOLUME_ATTRIBUTES_CLASSES, FINALIZER)
        self._classes = context.informers.of(VOLUME_ATTRIBUTES_CLASSES)
        self._classes.add_handler(self._class_changed)
        self._users = [context.informers.of(each) for each in (PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS)]
        for users in self._users:
            users.add_index(BY_CLASS, _classes_of)
            users.add_handler(self._user_changed)

    async def run(self) -> None:
        await run_workers(self._queue, 1, self._reconcile)

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        if self._protection.is_due(new):
            self._queue.add(name_of(new or {}))

    def _user_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None:
            for name in set(_classes_of(old)) - set(_classes_of(new) if new else ()):
                self._queue.add(name)

    async def _reconcile(self, name: str) -> timedelta | None:
        await self._protection.settle(self._classes.get(name), self._is_used)
        return None

    async def _is_used(self, found: Object) -> bool:
        return any(users.count(BY_CLASS, name_of(found)) for users in self._users)


def _classes_of(user: Object) -> Iterable[str]:
    """Index function: the classes that a volume or claim has, had before a change, or is changing to."""
    status = status_of(user)
    changing = (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName")
    names = (spec_of(user).get("volumeAttributesClassName"), status.get("currentVolumeAttributesClassName"), changing)
    return {name for name in names if name}
