"""Which namespaces are being deleted, and when to look at them again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of, spec_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NAMESPACES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.namespace.conditions import Progress, conditions_of
from cloudk8s.controllers.namespace.content import delete_content
from cloudk8s.errors import Conflict, NotFound

FINALIZER = "kubernetes"
FIRST_WAIT = 0.1


class NamespaceController:
    """Works on terminating namespaces only; looks soon at first, then as seldom as what remains makes sensible."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._clock = context.clock
        self._workers = context.options.concurrent_namespace_syncs
        self._delay = context.options.namespace_deletion_delay
        self._queue: WorkQueue[str] = WorkQueue("namespace", clock=context.clock, instruments=context.instruments)
        self._looks: dict[str, int] = {}
        self._namespaces = context.informers.of(NAMESPACES)
        self._namespaces.add_handler(self._changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._workers, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._looks.pop(name_of(old or {}), None)
        elif is_deleting(new) and (old is None or not is_deleting(old) or spec_of(old) != spec_of(new)):
            self._queue.add_after(name_of(new), self._delay)

    async def _reconcile(self, name: str) -> timedelta | None:
        namespace = self._namespaces.get(name)
        if namespace is None or not is_deleting(namespace) or not spec_of(namespace).get("finalizers"):
            return None
        if status_of(namespace).get("phase") != "Terminating":
            namespace = await self._write(namespace, {**status_of(namespace), "phase": "Terminating"})
        progress = await delete_content(self._client, namespace, self._clock.now())
        namespace = await self._say(namespace, progress)
        if not progress.is_done:
            return self._next_look(name, progress)
        if FINALIZER in (spec_of(namespace).get("finalizers") or ()):
            await self._finalize(namespace)
        return None

    async def _say(self, namespace: Object, progress: Progress) -> Object:
        found = conditions_of(namespace, progress, self._clock.now())
        if progress.is_done or found == status_of(namespace).get("conditions"):
            return namespace
        return await self._write(namespace, {**status_of(namespace), "conditions": found})

    async def _write(self, namespace: Object, status: Mapping[str, Any]) -> Object:
        changed = {**namespace, "status": status}
        try:
            return await self._client.update(NAMESPACES, changed, subresource="status")
        except Conflict:
            fresh = await self._client.get(NAMESPACES, name_of(namespace))
            return await self._client.update(NAMESPACES, {**fresh, "status": status}, subresource="status")

    async def _finalize(self, namespace: Object) -> None:
        left = [name for name in spec_of(namespace).get("finalizers") or () if name != FINALIZER]
        changed = {**namespace, "spec": {**spec_of(namespace), "finalizers": left}}
        try:
            await self._client.update(NAMESPACES, changed, subresource="finalize")
        except NotFound:
            return

    def _next_look(self, name: str, progress: Progress) -> timedelta:
        looks = self._looks[name] = self._looks.get(name, 0) + 1
        return timedelta(seconds=min(FIRST_WAIT * 2.0 ** min(looks, 20), progress.wait / 2 + 1))
