"""Forget what API servers that are gone said of the versions they store objects in.

An API server writes into every StorageVersion which version it encodes and which it understands, and holds a lease
while it lives. Where no server says anything any more, the StorageVersion goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import DeleteOptions, Object, Resource
from cloudk8s.client.objects import key_of, labels_of, name_of, resource_version_of, status_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import LEASES
from cloudk8s.controllers import conditions
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.kinds import served
from cloudk8s.errors import NotFound

NAMESPACE: Final = "kube-system"
IDENTITY: Final = "apiserver.kubernetes.io/identity"
COMPONENT: Final = "kube-apiserver"
CONDITION: Final = "AllEncodingVersionsEqual"


class StorageVersionCleaner:
    """Does nothing where the server has no StorageVersions, which are off by default."""

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._clock, self._informers = context.client, context.clock, context.informers
        self._queue: WorkQueue[str] = WorkQueue(
            "storage versions", clock=context.clock, instruments=context.instruments
        )
        self._resource: Resource | None = None
        self._versions: Informer | None = None
        self._leases = context.informers.of(LEASES, namespace=NAMESPACE)
        self._leases.add_handler(self._lease_changed)

    async def run(self) -> None:
        self._resource = await served(self._client, "internal.apiserver.k8s.io", "StorageVersion")
        if self._resource is None:
            await asyncio.Event().wait()
            return
        self._versions = self._informers.of(self._resource)
        await self._versions.synced()
        self._versions.add_handler(self._version_changed)
        await run_workers(self._queue, 1, self._reconcile)

    def _lease_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and _is_identity(old):
            for version in self._versions.list() if self._versions else ():
                if name_of(old) in _servers(version):
                    self._queue.add(key_of(version))

    def _version_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        version = self._versions.get(name) if self._versions else None
        if version is None or self._resource is None:
            return None
        said = status_of(version).get("storageVersions") or ()
        gone = {server for server in _servers(version) if not await self._is_alive(server)}
        if not gone:
            return None
        left = [each for each in said if each["apiServerID"] not in gone]
        if left:
            status = with_common_version(version, left, self._clock.now())
            await self._client.update(self._resource, {**version, "status": status}, subresource="status")
            return None
        try:
            options = DeleteOptions(uid=uid_of(version), resource_version=resource_version_of(version))
            await self._client.delete(self._resource, name, options=options)
        except NotFound:
            return None
        return None

    async def _is_alive(self, server: str) -> bool:
        """Whether the server's lease is there; what the cache misses is asked for, for it may be late."""
        lease = self._leases.get(server, NAMESPACE)
        try:
            lease = lease or await self._client.get(LEASES, server, namespace=NAMESPACE)
        except NotFound:
            return False
        return _is_identity(lease)


def with_common_version(version: Object, said: Sequence[Mapping[str, Any]], now: datetime) -> Object:
    """The status of a StorageVersion of which these servers speak: whether they agree, and on what."""
    status = {**status_of(version), "storageVersions": list(said)}
    encodings = {each["encodingVersion"] for each in said}
    if len(encodings) == 1:
        status["commonEncodingVersion"] = encodings.pop()
        verdict = ("True", "CommonEncodingVersionSet", "Common encoding version set")
    else:
        status.pop("commonEncodingVersion", None)
        verdict = ("False", "CommonEncodingVersionUnset", "Common encoding version unset")
    condition = conditions.new(CONDITION, *verdict, now)
    condition["observedGeneration"] = int(version["metadata"].get("generation") or 0)
    status["conditions"] = conditions.with_condition(status.get("conditions"), condition)
    return status


def _servers(version: Object) -> Sequence[str]:
    return [each["apiServerID"] for each in status_of(version).get("storageVersions") or ()]


def _is_identity(lease: Object) -> bool:
    return labels_of(lease).get(IDENTITY) == COMPONENT
