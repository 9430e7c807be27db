"""Serve what the stored definitions define.

commit of a definition ─→ registry, in the same turn
                       └→ worker: names and conditions written to the status; objects deleted with their definition;
                          APIServices
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final

from cloudk8s.api.custom import definition
from cloudk8s.api.custom.resource import custom_resources
from cloudk8s.api.resource import GroupResource, Object, ResourceType
from cloudk8s.apiserver.bootstrap.writer import SERVER
from cloudk8s.apiserver.context import Query, RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.custom.api_services import CustomApiServices
from cloudk8s.apiserver.operations.delete import DeleteOptions, delete
from cloudk8s.apiserver.operations.update import Change, update
from cloudk8s.apiserver.request_info import parse_path
from cloudk8s.errors import NotFound, StatusError
from cloudk8s.machinery import codec
from cloudk8s.machinery.times import format_time
from cloudk8s.storage.interface import Event, Subscription

GROUP: Final = "apiextensions.k8s.io"
PLURAL: Final = "customresourcedefinitions"
_OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_log = logging.getLogger(__name__)


class CustomResources:
    """Keeps the registry true to the stored definitions, from entering to leaving."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._resource = core.resource(GROUP, PLURAL)
        self._metadata = core.registry.definitions[_OBJECT_META]
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._subscriptions: dict[str, Subscription] = {}
        self._served: dict[str, Object] = {}
        self._api_services = CustomApiServices(core)
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> CustomResources:
        held = self._core.store.range(self._resource.prefix)
        for record in held.records:
            self._take(codec.decode(record.value))
        self._subscriptions[""] = self._core.store.watch(self._resource.prefix, self._deliver, after=held.revision)
        self._worker = asyncio.create_task(self._work(), name="custom-resources")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for subscription in self._subscriptions.values():
            subscription.close()
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker

    def _deliver(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.type == "DELETED":
                self._drop(codec.decode(event.record.value))
            else:
                self._take(codec.decode(event.record.value))

    def _take(self, obj: Object) -> None:
        """Serve an established definition as it is now, and have the worker look at it."""
        name = obj["metadata"]["name"]
        self._waiting.put_nowait(name)
        if not definition.is_established(obj) or not _differs(obj, self._served.get(name)):
            return
        try:
            self._core.registry.add_custom(custom_resources(obj, self._metadata))
        except Exception:  # noqa: BLE001 - one definition must not keep others from being served
            _log.exception("custom resource definition %s cannot be served", name)
            return
        self._served[name] = obj

    def _drop(self, obj: Object) -> None:
        name, spec = obj["metadata"]["name"], obj["spec"]
        if self._served.pop(name, None) is not None:
            self._core.registry.remove_custom(GroupResource(spec["group"], spec["names"]["plural"]))
        if (subscription := self._subscriptions.pop(name, None)) is not None:
            subscription.close()
        self._waiting.put_nowait(name)
        for other in self._definitions():
            self._waiting.put_nowait(other["metadata"]["name"])

    async def _work(self) -> None:
        while True:
            name = await self._waiting.get()
            try:
                await self._settle(name)
                await self._api_services.settle()
            except NotFound:
                continue
            except StatusError as error:
                _log.warning("custom resource definition %s: %s", name, error)
            except Exception:  # noqa: BLE001 - one definition must not keep others from being settled
                _log.exception("custom resource definition %s", name)

    async def _settle(self, name: str) -> None:
        record = self._core.store.get(self._resource.key("", name))
        if record is None:
            return
        obj = self._core.tree(record)
        if obj["metadata"].get("deletionTimestamp"):
            await self._finish(obj)
        elif definition.accepted(obj, self._definitions(), self._now()) is not obj:
            await self._change(name, lambda live: definition.accepted(live, self._definitions(), self._now()), "status")

    async def _finish(self, obj: Object) -> None:
        """Delete the objects of a definition; once they are gone, let go of the definition."""
        name = obj["metadata"]["name"]
        if definition.FINALIZER not in (obj["metadata"].get("finalizers") or ()):
            return
        resources = self._core.registry.versions_of(obj["spec"]["group"], obj["spec"]["names"]["plural"])
        if resources and resources[0].custom is not None and self._core.store.count(resources[0].prefix):
            self._await_empty(name, resources[0])
            await self._delete_all(resources[0])
            if self._core.store.count(resources[0].prefix):
                return
        await self._change(name, lambda live: definition.released(live, self._now()), "")

    def _await_empty(self, name: str, resource: ResourceType) -> None:
        """Look at the definition again whenever one of its objects goes."""
        if name in self._subscriptions:
            return

        def deliver(events: Sequence[Event]) -> None:
            if any(event.type == "DELETED" for event in events):
                self._waiting.put_nowait(name)

        self._subscriptions[name] = self._core.store.watch(resource.prefix, deliver)

    async def _delete_all(self, resource: ResourceType) -> None:
        for record in self._core.store.range(resource.prefix).records:
            metadata = self._core.tree(record)["metadata"]
            if metadata.get("deletionTimestamp"):
                continue
            with suppress(NotFound):
                namespace = metadata.get("namespace", "")
                await delete(self._core, _context(), resource, namespace, metadata["name"], DeleteOptions())

    async def _change(self, name: str, transform: Callable[[Object], Object], subresource: str) -> None:
        change = Change(
            self._resource, "", name, lambda live: codec.copy(transform(live)), subresource, check_admission=False
        )
        await update(self._core, _context(), change)

    def _definitions(self) -> list[Object]:
        return list(self._core.all(GROUP, PLURAL))

    def _now(self) -> str:
        return format_time(self._core.clock.now())


def _differs(obj: Object, served: Object | None) -> bool:
    """Whether what is served would change: not for conditions or metadata."""
    if served is None:
        return True
    names = [item.get("status", {}).get("acceptedNames") for item in (obj, served)]
    ends = [definition.condition_is_true(item, "Terminating") for item in (obj, served)]
    return obj["spec"] != served["spec"] or names[0] != names[1] or ends[0] != ends[1]


def _context() -> RequestContext:
    return RequestContext(SERVER, parse_path("/"), Query(""), {"user-agent": "kube-apiserver"})
