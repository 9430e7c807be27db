"""Claims as they are written for a pod: given devices, reserved, waited for, and given up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import finalizers_of, key_of, status_of
from cloudk8s.client.resources import RESOURCE_CLAIMS
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.tasks import changed_or_slept
from cloudk8s.machinery.times import format_time, parse_time
from cloudk8s.scheduler.devices.preparation import failure, is_awaited, is_ready
from cloudk8s.scheduler.pod.pod import Pod

FINALIZER: Final = "resource.kubernetes.io/delete-protection"


class DevicesNotReady(CloudK8sError):
    """Devices were not made ready for the pod, or not in time."""


class ClaimTaken(CloudK8sError):
    """A claim was given to somebody else meanwhile."""


class Reservations:
    """`patience` is how long devices may take to be made ready."""

    def __init__(self, client: Client, claims: Informer, clock: Clock, patience: timedelta) -> None:
        self._client, self._claims, self._clock, self._patience = client, claims, clock, patience
        self._changed = asyncio.Event()
        """A claim has."""
        claims.add_handler(lambda old, new: self._changed.set())

    async def reserve(self, claim: Object, pod: Pod, allocation: dict[str, Any] | None) -> Object:
        """Give a claim devices, where some are to be, and to the pod. Returns it as it is then; raises ClaimTaken."""
        current: Object = codec.copy(claim)
        if allocation is not None and FINALIZER not in finalizers_of(current):
            current["metadata"]["finalizers"] = [*finalizers_of(current), FINALIZER]
            current = codec.copy(await self._client.update(RESOURCE_CLAIMS, current))
        status = current.setdefault("status", {})
        if allocation is not None:
            if status.get("allocation"):
                raise ClaimTaken(f"resource claim {key_of(claim)} has got an allocation elsewhere")
            status["allocation"] = allocation
            if is_awaited(allocation):
                allocation["allocationTimestamp"] = format_time(self._clock.now())
        reserved = status.get("reservedFor") or []
        if all(item.get("uid") != pod.uid for item in reserved):
            status["reservedFor"] = [*reserved, {"resource": "pods", "name": pod.name, "uid": pod.uid}]
            return await self._client.update(RESOURCE_CLAIMS, current, subresource="status")
        return current

    async def ready(self, key: str, pod: Pod) -> None:
        """Wait until the devices of a claim are. Those that will not be are given up; raises DevicesNotReady then."""
        while True:
            self._changed.clear()
            claim = self._claims.get_key(key)
            if claim is None:
                raise DevicesNotReady(f"resource claim {key} was deleted")
            if status_of(claim).get("allocation") and is_ready(claim):
                return
            if reason := failure(claim):
                await self.give_up(claim, pod)
                raise DevicesNotReady(f"resource claim {key}: {reason}")
            if (left := self._left(claim)) <= timedelta(0):
                await self.give_up(claim, pod)
                raise DevicesNotReady(f"resource claim {key}: timed out waiting for its devices to be ready")
            await changed_or_slept(self._changed, self._clock, left.total_seconds())

    async def give_up(self, claim: Object, pod: Pod) -> None:
        """Other devices may be better, for this pod or another one; but what others have reserved stays allocated."""
        left = others(claim, pod)
        freed = {"reservedFor": left} if left else {"allocation": None, "reservedFor": None, "devices": None}
        status = {**status_of(claim), **freed}
        await self._client.update(RESOURCE_CLAIMS, {**claim, "status": status}, subresource="status")

    def _left(self, claim: Object) -> timedelta:
        """How long the devices of a claim still have."""
        allocated = (status_of(claim).get("allocation") or {}).get("allocationTimestamp")
        now = self._clock.now()
        return self._patience - (now - parse_time(allocated)) if allocated else self._patience


def others(claim: Object, pod: Pod) -> list[Mapping[str, Any]]:
    """Who else has reserved a claim."""
    return [item for item in status_of(claim).get("reservedFor") or () if item.get("uid") != pod.uid]
