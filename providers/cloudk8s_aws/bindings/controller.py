"""The TargetGroupBinding controller: Services and endpoints → targets of target groups that others have made."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    finalizers_of,
    is_deleting,
    key,
    key_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, ENDPOINT_SLICES, NODES, SERVICES
from cloudk8s.cloud.controllers.node_reference import node_ref
from cloudk8s.cloud.controllers.service_nodes import takes_traffic
from cloudk8s.cloud.controllers.service_targets import pod_targets, services_of
from cloudk8s.errors import AlreadyExists, Conflict, NotFound, StatusError
from cloudk8s.plugin import Calls, CloudError, CloudNotFound, ControllerContext, RetryLater, Unsupported
from cloudk8s_aws.bindings.definition import FINALIZER, TARGET_GROUP_BINDINGS, definition
from cloudk8s_aws.bindings.doors import Doors, wanted_rules
from cloudk8s_aws.bindings.registering import Registrar
from cloudk8s_aws.bindings.targets import BindingRequest, wanted_targets

WORKERS = 8
FIRST_RETRY, LAST_RETRY = 5.0, 300.0
REPAIR = timedelta(minutes=30)
WINDOW = timedelta(milliseconds=500)
BY_SERVICE = "bound service"
REMEMBERED = "aws-lbc-targets-"
log = logging.getLogger(__name__)


class TargetGroupBindingController:
    """Makes the custom resource where it is not there. Changes of endpoints never touch a load balancer."""

    def __init__(self, context: ControllerContext, calls: Calls, registrar: Registrar, doors: Doors) -> None:
        self._context, self._calls, self._registrar, self._doors = context, calls, registrar, doors
        self._client = context.client
        self._events = context.events.for_component("targetGroupBinding")
        self._services = context.informers.of(SERVICES)
        self._nodes = context.informers.of(NODES)
        self._slices = context.informers.of(ENDPOINT_SLICES)
        self._slices.add_index(BY_SERVICE, services_of)
        self._bindings: Informer | None = None
        self._closed: set[str] = set()
        """UIDs of bindings that are known to let nobody in."""
        self._queue: WorkQueue[str] = WorkQueue(
            "target group bindings",
            clock=context.clock,
            instruments=context.instruments,
            base_delay=FIRST_RETRY,
            max_delay=LAST_RETRY,
        )

    async def run(self) -> None:
        await self._define()
        bindings = self._bindings = self._context.informers.of(TARGET_GROUP_BINDINGS)
        bindings.add_handler(self._on_binding)
        await bindings.synced()
        self._services.add_handler(lambda old, new: self._of_services([key_of(new or old or {})]))
        self._slices.add_handler(lambda old, new: self._of_services(_services_of(old, new)))
        self._nodes.add_handler(self._on_node)
        self._all()
        await run_workers(self._queue, WORKERS, self.reconcile)

    async def reconcile(self, name: str) -> timedelta | None:
        """Bring one binding's targets in order; returns when to look again."""
        assert self._bindings is not None
        binding = self._bindings.get_key(name)
        if binding is None:
            return None
        try:
            if is_deleting(binding):
                await self._remove(binding)
                return None
            await self._ensure(binding)
        except RetryLater as error:
            return error.after
        except (Unsupported, CloudNotFound) as error:
            self._events.warning(binding, "FailedReconcile", str(error))
            return timedelta(minutes=5) if isinstance(error, CloudNotFound) else None
        except CloudError as error:
            self._events.warning(binding, "FailedReconcile", str(error))
            raise
        return REPAIR

    async def _ensure(self, binding: Object) -> None:
        binding = await self._claim(binding)
        spec = spec_of(binding)
        given = (str(spec.get("targetGroupARN") or ""), str(spec.get("targetGroupName") or ""))
        arn, kind = await self._calls.run(None, self._registrar.group, *given)
        service = self._services.get(spec["serviceRef"]["name"], namespace_of(binding))
        named = key(namespace_of(binding), spec["serviceRef"]["name"])
        pods = pod_targets(self._slices.by_index(BY_SERVICE, named))
        target_type = spec.get("targetType") or kind
        targets = wanted_targets(binding, service, pods, self._nodes.list(), target_type=target_type)
        known = await self._remember(binding, targets) if spec.get("multiClusterTargetGroup") else None
        request = BindingRequest(uid_of(binding), arn, given[1], targets, known)
        await self._calls.run(("binding", request.uid), self._registrar.converge, request)
        await self._open(binding, targets)
        await self._observed(binding)

    async def _open(self, binding: Object, targets: frozenset[str]) -> None:
        """Let clients in; where none are named, look once whether an earlier version let any in."""
        uid = uid_of(binding)
        nodes = tuple(node_ref(node) for node in self._nodes.list() if takes_traffic(node))
        rules = wanted_rules(binding, targets)
        if rules or uid not in self._closed:
            await self._calls.run(("binding", uid), self._doors.converge, uid, rules, nodes if rules else ())
        (self._closed.discard if rules else self._closed.add)(uid)

    async def _remove(self, binding: Object) -> None:
        if FINALIZER not in finalizers_of(binding):
            return
        spec = spec_of(binding)
        known = await self._remembered(binding) if spec.get("multiClusterTargetGroup") else None
        given = (str(spec.get("targetGroupARN") or ""), str(spec.get("targetGroupName") or ""))
        request = BindingRequest(uid_of(binding), *given, frozenset(), known)
        await self._calls.run(("binding", request.uid), self._registrar.clear, request)
        if spec.get("networking"):
            await self._calls.run(("binding", request.uid), self._doors.converge, request.uid, (), ())
        await self._forget(binding)
        await self._finalize(binding, [entry for entry in finalizers_of(binding) if entry != FINALIZER])

    async def _claim(self, binding: Object) -> Object:
        if FINALIZER in finalizers_of(binding):
            return binding
        return await self._finalize(binding, [*finalizers_of(binding), FINALIZER])

    async def _finalize(self, binding: Object, finalizers: list[str]) -> Object:
        version = binding["metadata"].get("resourceVersion")
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": version}}
        return await self._client.patch(
            TARGET_GROUP_BINDINGS, name_of(binding), patch, namespace=namespace_of(binding), type="merge"
        )

    async def _observed(self, binding: Object) -> None:
        generation = binding["metadata"].get("generation")
        if generation is None or status_of(binding).get("observedGeneration") == generation:
            return
        patch = {"status": {"observedGeneration": generation}}
        try:
            await self._client.patch(
                TARGET_GROUP_BINDINGS, name_of(binding), patch, namespace=namespace_of(binding), type="merge",
                subresource="status",
            )  # fmt: skip
        except NotFound:
            return

    async def _remember(self, binding: Object, targets: frozenset[str]) -> frozenset[str]:
        """Note what is about to be registered beside what was: only that may ever be taken out."""
        known = await self._remembered(binding)
        noted = {
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": REMEMBERED + name_of(binding), "namespace": namespace_of(binding)},
            "data": {"targets": ",".join(sorted(known | targets))},
        }  # fmt: skip
        if known | targets != known:
            try:
                await self._client.create(CONFIG_MAPS, noted, namespace=namespace_of(binding))
            except AlreadyExists:
                patch = {"data": noted["data"]}
                await self._client.patch(
                    CONFIG_MAPS, REMEMBERED + name_of(binding), patch, namespace=namespace_of(binding), type="merge"
                )
        return known | targets

    async def _remembered(self, binding: Object) -> frozenset[str]:
        try:
            found = await self._client.get(CONFIG_MAPS, REMEMBERED + name_of(binding), namespace=namespace_of(binding))
        except NotFound:
            return frozenset()
        return frozenset(filter(None, str((found.get("data") or {}).get("targets", "")).split(",")))

    async def _forget(self, binding: Object) -> None:
        try:
            await self._client.delete(CONFIG_MAPS, REMEMBERED + name_of(binding), namespace=namespace_of(binding))
        except NotFound:
            return

    async def _define(self) -> None:
        """Make the custom resource, and wait until the server serves it."""
        try:
            await self._client.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
        except (AlreadyExists, Conflict):
            log.debug("the custom resource is there already")
        except StatusError as error:
            log.warning("TargetGroupBindings are not served: the custom resource can't be made: %s", error)
        while True:
            try:
                await self._client.list(TARGET_GROUP_BINDINGS)
                return
            except NotFound:
                await self._context.clock.sleep(0.5)
            except StatusError as error:
                log.warning("TargetGroupBindings can't be read: %s", error)
                await self._context.clock.sleep(60)

    def _on_binding(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or takes_traffic(old) != takes_traffic(new) or node_ref(old) != node_ref(new):
            self._all()

    def _of_services(self, names: Iterable[str]) -> None:
        wanted = set(names)
        for binding in self._bindings.list() if self._bindings is not None else ():
            if key(namespace_of(binding), spec_of(binding)["serviceRef"]["name"]) in wanted:
                self._queue.add_after(key_of(binding), WINDOW)

    def _all(self) -> None:
        for binding in self._bindings.list() if self._bindings is not None else ():
            self._queue.add_after(key_of(binding), WINDOW)


def _services_of(old: Object | None, new: Object | None) -> set[str]:
    return {name for slice in (old, new) if slice is not None for name in services_of(slice)}
