"""Which quotas to look at, and when. https://kubernetes.io/docs/concepts/policy/resource-quotas/"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from cloudk8s.client.discovery import discover
from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import is_deleting, key_of, namespace_of, spec_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import BUILT_IN, PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.controllers.resource_quota.charges import SETTLED, Charges
from cloudk8s.controllers.resource_quota.counting import count
from cloudk8s.controllers.resource_quota.names import resource_of
from cloudk8s.machinery.quantity import QuantityError, parse

FREED = 0.1
"""Seconds that deletions are collected before usage is counted."""
CHARGED = 1.0
"""The same for creations, which admission has charged already."""
NOT_READ_YET = timedelta(seconds=1)
SHARE = 10.0
"""A count may take at most this fraction of the time: the next one waits so many times as long as the last took."""


class ResourceQuotaController:
    """Enqueues a quota when it changes or something that it counts goes, and all of them now and then."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._clock = context.clock
        self._queue: WorkQueue[str] = WorkQueue(
            "resourcequota_primary", clock=context.clock, instruments=context.instruments
        )
        self._informers: dict[Resource, Informer] = {}
        self._served: Sequence[Resource] = [each for each in BUILT_IN if not each.group]
        """What a `count/` name can mean; groups may be served in other versions than ours, which discovery tells."""
        self._not_before: dict[str, float] = {}
        self._charges = Charges(context.clock)
        self._is_joining = False
        self._quotas = context.informers.of(RESOURCE_QUOTAS)
        self._quotas.add_handler(self._quota_changed)

    async def run(self) -> None:
        workers = self._context.options.concurrent_resource_quota_syncs
        async with asyncio.TaskGroup() as group:
            group.create_task(self._resync())
            group.create_task(run_workers(self._queue, workers, self._reconcile))

    def _quota_changed(self, old: Object | None, new: Object | None) -> None:
        """What admission charges is of no interest; that the limits are not those of the spec is."""
        for quota in (old, new):
            if quota is not None and (old is None or new is None):
                self._enqueue_counting(RESOURCE_QUOTAS, quota, FREED)
        self._charges.note(old, new)
        if new is None:
            self._not_before.pop(key_of(old or {}), None)
        elif old is None or spec_of(old) != spec_of(new) or spec_of(new).get("hard") != status_of(new).get("hard"):
            self._queue.add(key_of(new))

    def _enqueue_counting(self, resource: Resource, obj: Object, wait: float) -> None:
        """Enqueue the quotas of the object's namespace that count its resource."""
        for quota in self._quotas.list(namespace_of(obj)):
            if any(resource_of(name, (resource,)) == resource for name in _hard(quota)):
                self._queue.add_after(key_of(quota), wait)

    def _handler(self, resource: Resource) -> Callable[[Object | None, Object | None], None]:
        def changed(old: Object | None, new: Object | None) -> None:
            if self._is_joining:
                return
            if old is None or new is None:
                obj = new or old
                assert obj is not None
                self._enqueue_counting(resource, obj, FREED if new is None else CHARGED)
            elif _uses_differently(resource, old, new):
                self._enqueue_counting(resource, new, FREED)

        return changed

    async def _resync(self) -> None:
        while True:
            await self._clock.sleep(self._context.options.resource_quota_sync_period.total_seconds())
            for quota in self._quotas.list():
                self._queue.add(key_of(quota))

    async def _reconcile(self, name: str) -> timedelta | None:
        quota = self._quotas.get_key(name)
        if quota is None or is_deleting(quota):
            return None
        started = self._clock.monotonic()
        if (left := self._not_before.get(name, 0.0) - started) > 0:
            return timedelta(seconds=left)
        used, is_complete = await self._count(quota)
        self._not_before[name] = self._clock.monotonic() + SHARE * (self._clock.monotonic() - started)
        careful = self._charges.not_below(quota, used)
        await self._write(quota, careful)
        if not is_complete:
            return NOT_READ_YET
        return None if careful == used else SETTLED

    async def _count(self, quota: Object) -> tuple[dict[str, str], bool]:
        """What is used of each limit, and whether everything could be counted; what could not stays as it was."""
        before = status_of(quota).get("used") or {}
        used = {name: before[name] for name in _hard(quota) if name in before}
        is_complete = True
        for resource, names in (await self._resources_of(quota)).items():
            informer = self._informer(resource)
            if not informer.is_synced:
                is_complete = False
                continue
            objects = informer.list(namespace_of(quota))
            totals = await count(quota, resource, objects, names, clock=self._clock)
            used |= {name: str(amount) for name, amount in totals.items()}
        return used, is_complete

    async def _resources_of(self, quota: Object) -> dict[Resource, list[str]]:
        names = list(_hard(quota))
        if any(name.startswith("count/") and resource_of(name, self._served) is None for name in names):
            self._served = [served.resource for served in (await discover(self._context.client)).preferred()]
        found: dict[Resource, list[str]] = {}
        for name in names:
            resource = resource_of(name, self._served)
            if resource is not None:
                found.setdefault(resource, []).append(name)
        return found

    def _informer(self, resource: Resource) -> Informer:
        """Follow a resource from the first quota on that counts it."""
        if resource not in self._informers:
            informer = self._informers[resource] = self._context.informers.of(resource)
            if resource != RESOURCE_QUOTAS:
                self._is_joining = True
                informer.add_handler(self._handler(resource))
                self._is_joining = False
        return self._informers[resource]

    async def _write(self, quota: Object, used: Mapping[str, str]) -> None:
        status = status_of(quota)
        if status.get("hard") == _hard(quota) and _is_same(status.get("used"), used):
            return
        changed = {**quota, "status": {**status, "hard": dict(_hard(quota)), "used": used}}
        self._charges.counted(quota, used)
        await self._context.client.update(RESOURCE_QUOTAS, changed, subresource="status")


def _hard(quota: Object) -> Mapping[str, Any]:
    return spec_of(quota).get("hard") or {}


def _is_same(old: Mapping[str, str] | None, new: Mapping[str, str]) -> bool:
    if old is None or old.keys() != new.keys():
        return False
    try:
        return all(parse(old[name]) == parse(new[name]) for name in new)
    except QuantityError:
        return False


def _uses_differently(resource: Resource, old: Object, new: Object) -> bool:
    """Whether an update may change what an object uses."""
    if resource == PODS:
        before, after = spec_of(old), spec_of(new)
        is_other = any(before.get(field) != after.get(field) for field in _CHARGED_FIELDS)
        return is_other or is_terminal(old) != is_terminal(new)
    return resource in (SERVICES, PERSISTENT_VOLUME_CLAIMS) and spec_of(old) != spec_of(new)


_CHARGED_FIELDS = ("containers", "initContainers", "activeDeadlineSeconds", "priorityClassName")
