"""Remove a load balancer: every part of it, from every cloud that may hold one, and only then the finalizer."""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import finalizers_of, key_of, uid_of
from cloudk8s.cloud.controllers.service_calls import ServiceCalls
from cloudk8s.cloud.controllers.service_memory import ServiceMemory
from cloudk8s.cloud.controllers.service_request import FINALIZER, service_key, wants_load_balancer
from cloudk8s.cloud.controllers.service_writer import ServiceWriter, clouds_of
from cloudk8s.cloud.directory import AttachedCloud, CloudDirectory
from cloudk8s.errors import CloudError, NotFound, RetryLater, Unsupported

ORPHAN = "cloudk8s.io/orphan-load-balancer"
"""Annotation: `true` lets the Service go although its cloud can't be asked to delete; the load balancer stays."""
STILL_THERE = timedelta(seconds=2)
"""Until a cloud that a Service has left is asked again: what a listing did not show yet must not be forgotten."""


class ServiceRemoval:
    """The cleanup path. Deletes also where nothing seems to be there: parts may have outlived the load balancer."""

    def __init__(
        self, calls: ServiceCalls, writer: ServiceWriter, events: EventRecorder, memory: ServiceMemory,
        directory: CloudDirectory,
    ) -> None:  # fmt: skip
        self._calls = calls
        self._writer = writer
        self._events = events
        self._memory = memory
        self._directory = directory

    async def of_predecessor(self, key: str, service: Object | None) -> None:
        """Remove what belongs to an earlier object of this name, gone or recreated with another UID."""
        entry = self._memory.get(key)
        if entry is None or (service is not None and uid_of(service) == entry.uid):
            return
        cloud = self._directory.get(entry.cloud)
        self._events.normal(entry.service, "DeletingLoadBalancer", "Deleting load balancer")
        try:
            if cloud is not None:
                async with entry.lock:
                    await self._calls.delete(cloud, entry.service)
        except RetryLater:
            raise
        except CloudError as error:
            note = f"Error deleting load balancer: {error}"
            self._events.warning(entry.service, "DeleteLoadBalancerFailed", note)
            raise
        self._memory.forget(key)
        self._events.normal(entry.service, "DeletedLoadBalancer", "Deleted load balancer")

    async def of(self, service: Object) -> None:
        """Remove the load balancer of a Service that wants none, or is being deleted."""
        entry = self._memory.get(key_of(service))
        if entry is None and (FINALIZER not in finalizers_of(service) or self._is_foreign(service)):
            return
        self._events.normal(service, "DeletingLoadBalancer", "Deleting load balancer")
        for cloud in self._holders(service):
            await self._delete(service, cloud)
        self._memory.forget(key_of(service))
        try:
            service = await self._writer.release(service)
            self._events.normal(service, "DeletedLoadBalancer", "Deleted load balancer")
            await self._writer.clear(service)
        except NotFound:
            return

    async def from_other_clouds(self, service: Object, cloud: AttachedCloud | None) -> None:
        """Remove what clouds hold that the Service has left, after its new one is in place.

        The mark of a cloud that is not configured here stays: another manager may have made something there.
        """
        others = [name for name in clouds_of(service) if cloud is None or name != cloud.name]
        if FINALIZER not in finalizers_of(service) or not others:
            return
        if cloud is None:
            await self.of(service)
            return
        for name in others:
            if (other := self._directory.get(name)) is not None and other.load_balancers is not None:
                self._events.normal(service, "DeletingLoadBalancer", f"Deleting load balancer in cloud {name}")
                await self._delete(service, other)
                if await self._calls.describe(other, [service_key(service)]):
                    raise RetryLater(STILL_THERE, f"cloud {name} still shows a load balancer")
                service = await self._writer.leave(service, name)

    async def _delete(self, service: Object, cloud: AttachedCloud) -> None:
        entry = self._memory.get(key_of(service))
        if entry is None:
            await self._calls.delete(cloud, service)
            return
        if entry.cloud == cloud.name:
            entry.digest = ""
        async with entry.lock:
            await self._calls.delete(cloud, service)

    def _is_foreign(self, service: Object) -> bool:
        """Another controller's, which happens to use the same finalizer."""
        if clouds_of(service) or not wants_load_balancer(service):
            return False
        try:
            return self._directory.for_service(service) is None
        except Unsupported:
            return False

    def _holders(self, service: Object) -> list[AttachedCloud]:
        """The clouds noted on the Service; all where none is noted."""
        if (service["metadata"].get("annotations") or {}).get(ORPHAN) == "true":
            return []
        able = [cloud for cloud in self._directory.clouds if cloud.load_balancers is not None]
        noted = clouds_of(service)
        return [cloud for cloud in able if cloud.name in noted] if noted else able
