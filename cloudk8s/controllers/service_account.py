"""Every active namespace has a service account named `default`."""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of, namespace_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NAMESPACES, SERVICE_ACCOUNTS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_namespace_terminating
from cloudk8s.errors import AlreadyExists, Forbidden, NotFound

NAME = "default"


class ServiceAccountController:
    """Creates it with the namespace, and again whenever it is deleted."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue("serviceaccount", clock=context.clock, instruments=context.instruments)
        self._namespaces = context.informers.of(NAMESPACES)
        self._namespaces.add_handler(self._namespace_changed)
        self._accounts = context.informers.of(SERVICE_ACCOUNTS)
        self._accounts.add_handler(self._account_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and name_of(old) == NAME:
            self._queue.add(namespace_of(old))

    async def _reconcile(self, namespace: str) -> timedelta | None:
        found = self._namespaces.get(namespace)
        if found is None or is_deleting(found) or status_of(found).get("phase", "Active") != "Active":
            return None
        if self._accounts.get(NAME, namespace) is not None:
            return None
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": namespace}}
        try:
            await self._context.client.create(SERVICE_ACCOUNTS, account, namespace=namespace)
        except (AlreadyExists, NotFound):
            return None
        except Forbidden as error:
            if not is_namespace_terminating(error):
                raise
        return None
