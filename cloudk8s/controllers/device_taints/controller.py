"""Delete pods that use devices with NoExecute taints which their claims do not tolerate, or not for longer.

Taints are in ResourceSlices, by drivers, and in DeviceTaintRules, by administrators.
https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-taints-and-tolerations
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, key_of, spec_of, status_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.controllers import conditions
from cloudk8s.controllers.device_taints.devices import Devices
from cloudk8s.controllers.device_taints.rules import MANAGER, Rules
from cloudk8s.controllers.device_taints.taints import pool_of, taints_in
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.victims import Victims

EVENT: Final = "DeviceTaintManagerEviction"
MESSAGE: Final = "Device Taint manager: deleting due to NoExecute taint"


class DeviceTaintEvictionController:
    """Decides on a pod by what is known at that moment; a taint that goes in time spares it."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._victims = Victims(context.client, context.settings)
        self._workers = context.options.concurrent_device_taint_eviction_syncs
        self._events = context.events.for_component(MANAGER)
        self._queue: WorkQueue[str] = WorkQueue(
            "device taint eviction", clock=context.clock, instruments=context.instruments
        )
        self._doomed: set[str] = set()
        """Keys of pods that will have to go."""
        self._devices = Devices(context.informers)
        self._rules = Rules(context, self._devices)
        self._devices.slices.add_handler(self._slice_changed)
        self._devices.claims.add_handler(self._claim_changed)
        self._devices.pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self._rules.follow(lambda: self._enqueue_consumers(self._devices.claims.list()))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._rules.run(), name="device taint rules")
            group.create_task(run_workers(self._queue, self._workers, self._reconcile), name="device taint eviction")

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        if taints_in([old] if old else []) != taints_in([new] if new else []):
            for pool in pool_of(new or old or {}):
                self._enqueue_consumers(self._devices.claims_from(pool))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        self._enqueue_consumers(claim for claim in (old, new) if claim is not None)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._doomed.discard(key_of(old))
        if new is not None and spec_of(new).get("resourceClaims") and (old is None or _place(old) != _place(new)):
            self._queue.add(key_of(new))

    def _enqueue_consumers(self, claims: Iterable[Object]) -> None:
        for pod in self._devices.consumers(claims):
            self._queue.add(key_of(pod))

    async def _reconcile(self, key: str) -> timedelta | None:
        pod = self._devices.pods.get_key(key)
        if pod is None or is_deleting(pod):
            return None
        eviction = self._devices.eviction_of(pod, self._rules.list())
        if eviction is None:
            if key in self._doomed:
                self._doomed.discard(key)
                self._events.normal(pod, EVENT, "Cancelling deletion")
            return None
        self._doomed.add(key)
        self._rules.pending(eviction.rules)
        left = eviction.at - self._clock.now()
        if left > timedelta(0):
            return left
        await self._evict(pod)
        self._doomed.discard(key)
        self._rules.evicted(eviction.rules)
        return None

    async def _evict(self, pod: Object) -> None:
        self._events.normal(pod, EVENT, "Marking for deletion")
        now = self._clock.now()
        target = conditions.new("DisruptionTarget", "True", "DeletionByDeviceTaintManager", MESSAGE, now)
        await self._victims.end(pod, {"conditions": [target]})


def _place(pod: Object) -> object:
    return spec_of(pod).get("nodeName"), status_of(pod).get("resourceClaimStatuses")
