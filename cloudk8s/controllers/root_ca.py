"""Every namespace has the certificates to trust the API server by, in the ConfigMap `kube-root-ca.crt`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting, name_of, namespace_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CONFIG_MAPS, NAMESPACES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import AlreadyExists, Forbidden, NotFound, StatusError

NAME = "kube-root-ca.crt"
DESCRIPTION = {
    "kubernetes.io/description": (
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the"
        " internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of"
        " Kubernetes clusters."
    )
}


class RootCAPublisher:
    """Creates the ConfigMap, and restores it when it is deleted or changed. Without a root CA it does nothing."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._data = {"ca.crt": context.options.root_ca}
        self._queue: WorkQueue[str] = WorkQueue(
            "root_ca_cert_publisher", clock=context.clock, instruments=context.instruments
        )
        self._syncs = context.instruments.counter(
            "root_ca_cert_publisher_sync_total",
            "Number of namespace syncs happened in root ca cert publisher.",
            ("code",),
        )
        self._namespaces = context.informers.of(NAMESPACES)
        self._namespaces.add_handler(self._namespace_changed)
        self._maps = context.informers.of(CONFIG_MAPS, field_selector=f"metadata.name={NAME}")
        self._maps.add_handler(self._map_changed)

    async def run(self) -> None:
        if not self._context.options.root_ca:
            await asyncio.Event().wait()
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._sync)

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and not is_deleting(new):
            self._queue.add(name_of(new))

    def _map_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(namespace_of(new or old or {}))

    async def _sync(self, namespace: str) -> timedelta | None:
        code = "500"
        try:
            again = await self._reconcile(namespace)
            code = "200"
        except StatusError as error:
            code = str(error.code)
            raise
        finally:
            self._syncs.add(code)
        return again

    async def _reconcile(self, namespace: str) -> timedelta | None:
        found = self._namespaces.get(namespace)
        if found is None or is_deleting(found):
            return None
        published = self._maps.get(NAME, namespace)
        if published is None:
            await self._create(namespace)
        elif published.get("data") != self._data or not DESCRIPTION.items() <= annotations_of(published).items():
            metadata = {**published["metadata"], "annotations": {**annotations_of(published), **DESCRIPTION}}
            await self._context.client.update(CONFIG_MAPS, {**published, "metadata": metadata, "data": self._data})
        return None

    async def _create(self, namespace: str) -> None:
        metadata = {"name": NAME, "namespace": namespace, "annotations": DESCRIPTION}
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self._data}
        try:
            await self._context.client.create(CONFIG_MAPS, made, namespace=namespace)
        except (AlreadyExists, NotFound):
            return
        except Forbidden as error:
            if not is_namespace_terminating(error):
                raise
