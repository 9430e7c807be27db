"""Write every object of a resource once more, so that it is stored in the version that is stored now.

A StorageVersionMigration names the resource. Objects that somebody else has written since it began are left alone:
they are stored anew already. https://kubernetes.io/docs/tasks/manage-kubernetes-objects/storage-version-migration/
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import ListOptions, Object, Resource
from cloudk8s.client.objects import (
    is_true,
    key_of,
    name_of,
    namespace_of,
    resource_version_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.controllers import conditions
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.kinds import served, served_plural
from cloudk8s.errors import Conflict, NotFound, StatusError

MANAGER: Final = "storage-version-migrator-controller"
PAGE: Final = 500
RUNNING: Final = ("Running", "StorageVersionMigrationInProgress")
SUCCEEDED: Final = ("Succeeded", "StorageVersionMigrationSucceeded")
FAILED: Final = ("Failed", "StorageVersionMigrationFailed")


class StorageVersionMigrator:
    """Does nothing where the server has no StorageVersionMigrations. One migration at a time."""

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._clock, self._informers = context.client, context.clock, context.informers
        self._queue: WorkQueue[str] = WorkQueue(
            "storage_version_migrator", clock=context.clock, instruments=context.instruments
        )
        self._resource: Resource | None = None
        self._migrations: Informer | None = None

    async def run(self) -> None:
        self._resource = await served(self._client, "storagemigration.k8s.io", "StorageVersionMigration")
        if self._resource is None:
            await asyncio.Event().wait()
            return
        self._migrations = self._informers.of(self._resource)
        await self._migrations.synced()
        self._migrations.add_handler(self._changed)
        await run_workers(self._queue, 1, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and not _is_over(new):
            self._queue.add(key_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        migration = self._migrations.get(name) if self._migrations else None
        if migration is None or _is_over(migration):
            return None
        wanted = spec_of(migration)["resource"]
        group, plural = wanted.get("group") or "", wanted["resource"]
        resource = await served_plural(self._client, group, plural)
        if resource is None:
            where = f"{plural}.{group}" if group else plural
            await self._say(migration, *FAILED, f"resource {where} does not exist in the cluster")
            return None
        if not status_of(migration).get("resourceVersion"):
            migration = await self._begin(migration, resource)
        try:
            await self._migrate(resource, int(status_of(migration)["resourceVersion"]))
        except StatusError as error:
            if error.code >= 500 or error.code == 429:
                raise
            await self._say(migration, *FAILED, f"migration encountered unhandled error: {error.message}")
            return None
        await self._say(migration, *SUCCEEDED, "")
        return None

    async def _begin(self, migration: Object, resource: Resource) -> Object:
        """Note what is to be migrated: what exists now."""
        found = await self._client.list(resource, options=ListOptions(limit=1))
        status = {**status_of(migration), "resourceVersion": found.resource_version}
        return await self._say({**migration, "status": status}, *RUNNING, "")

    async def _migrate(self, resource: Resource, until: int) -> None:
        options = ListOptions(limit=PAGE)
        while True:
            page = await self._client.list(resource, options=options)
            for obj in page.items:
                if int(resource_version_of(obj)) <= until:
                    await self._rewrite(resource, obj)
            if not page.continue_token:
                return
            options = ListOptions(limit=PAGE, continue_token=page.continue_token)

    async def _rewrite(self, resource: Resource, obj: Object) -> None:
        """An apply without fields: it changes nothing, and stores the object again if it was stored otherwise."""
        names = {"name": name_of(obj), **({"namespace": namespace_of(obj)} if resource.namespaced else {})}
        guard = {"uid": uid_of(obj), "resourceVersion": resource_version_of(obj)}
        patch = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {**names, **guard}}
        try:
            await self._client.patch(
                resource, name_of(obj), patch, namespace=namespace_of(obj), type="apply", field_manager=MANAGER
            )
        except (Conflict, NotFound):
            return

    async def _say(self, migration: Object, type: str, reason: str, message: str) -> Object:
        assert self._resource is not None
        said = conditions.new(type, "True", reason, message, self._clock.now())
        found = conditions.with_condition(conditions.without(status_of(migration).get("conditions"), RUNNING[0]), said)
        changed = {**migration, "status": {**status_of(migration), "conditions": found}}
        return await self._client.update(self._resource, changed, subresource="status")


def _is_over(migration: Object) -> bool:
    return is_true(migration, SUCCEEDED[0]) or is_true(migration, FAILED[0])
