"""Keep as many pods as an object's `spec.replicas` says: the engine of ReplicaSets and ReplicationControllers.

Pod events enqueue their owner; a reconciliation claims pods, creates or deletes the difference, and writes status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import (
    controller_of,
    is_deleting,
    key,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PODS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.batches import all_of, slow_start
from cloudk8s.controllers.claims import Claim
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pod_ranking import pods_to_delete
from cloudk8s.controllers.pods import (
    BY_CONTROLLER,
    available_in,
    controllers_of,
    is_active,
    is_namespace_terminating,
    is_ready,
    is_terminating,
    pod_from_template,
)
from cloudk8s.errors import Conflict, NotFound, StatusError
from cloudk8s.machinery.labels import NOTHING, Selector

BURST = 500
"""Most pods created or deleted in one reconciliation."""
COALESCE = 0.02
COALESCE_PER_REPLICA = 0.0005
"""Seconds that pod changes are collected before status is looked at again: looking costs time for every replica."""


@dataclass(frozen=True, slots=True)
class ReplicaKind:
    """What differs between the kinds."""

    resource: Resource
    component: str
    selector_of: Callable[[Object], Selector]
    workers: int
    """How many are worked on at once."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What went wrong in creating or deleting pods."""

    error: Exception | None
    reason: str = ""


class ReplicasController:
    """A `Controller` for one such kind."""

    def __init__(self, context: ControllerContext, kind: ReplicaKind) -> None:
        self._kind = kind
        self._context = context
        self._client = context.client
        self._clock = context.clock
        self._events = context.events.for_component(kind.component)
        self._queue: WorkQueue[str] = WorkQueue(kind.component, clock=context.clock, instruments=context.instruments)
        self._expectations = Expectations(context.clock)
        self._owners = context.informers.of(kind.resource)
        self._owners.add_index(BY_CONTROLLER, controllers_of)
        self._owners.add_handler(self._owner_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_CONTROLLER, controllers_of)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._kind.workers, self._reconcile)

    # What happens

    def _owner_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._expectations.forget(key_of(old))
        self._queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        is_gone = new is None or is_deleting(new)
        if is_gone:
            if owner := self._owner_of(pod):
                self._expectations.deleted(owner, uid_of(pod))
                self._queue.add(owner)
        elif old is None:
            self._pod_added(pod)
        else:
            self._pod_updated(old, pod)

    def _pod_added(self, pod: Object) -> None:
        if owner := self._owner_of(pod):
            self._expectations.created(owner)
            self._queue.add(owner)
        elif controller_of(pod) is None:
            self._enqueue_claimants(pod)

    def _pod_updated(self, old: Object, pod: Object) -> None:
        before, after = self._owner_of(old), self._owner_of(pod)
        if before and before != after:
            self._queue.add(before)
        if after:
            self._queue.add_after(after, self._patience(after))
        elif controller_of(pod) is None and (before or labels_of(old) != labels_of(pod)):
            self._enqueue_claimants(pod)

    def _owner_of(self, pod: Object) -> str:
        """The key of the owner of our kind; empty if the pod has another controller or none."""
        reference = controller_of(pod)
        if reference is None or reference["kind"] != self._kind.resource.kind:
            return ""
        name = key(namespace_of(pod), reference["name"])
        owner = self._owners.get_key(name)
        return name if owner is not None and uid_of(owner) == reference["uid"] else ""

    def _patience(self, name: str) -> float:
        owner = self._owners.get_key(name)
        return COALESCE + COALESCE_PER_REPLICA * (_replicas(owner) if owner is not None else 0)

    def _enqueue_claimants(self, pod: Object) -> None:
        labels = labels_of(pod)
        if not labels:
            return
        for owner in self._owners.list(namespace_of(pod)):
            if self._kind.selector_of(owner).matches(labels):
                self._queue.add(key_of(owner))

    # What is done about it

    async def _reconcile(self, name: str) -> timedelta | None:
        owner = self._owners.get_key(name)
        if owner is None:
            self._expectations.forget(name)
            return None
        selector = self._kind.selector_of(owner)
        needs_change = self._expectations.satisfied(name) and not is_deleting(owner)
        claim = Claim(self._client, owner, self._kind.resource, PODS, selector)
        active = await claim.of(self._pods, only=is_active)
        change = await self._adjust(name, owner, active) if needs_change else None
        await self._write_status(owner, self._status(owner, active, change))
        if change is not None and change.error is not None:
            raise change.error
        return self._next_check(owner, active)

    async def _adjust(self, name: str, owner: Object, active: Sequence[Object]) -> _Change:
        missing = _replicas(owner) - len(active)
        if missing > 0:
            return await self._create(name, owner, min(missing, BURST))
        if missing < 0:
            return await self._delete(name, owner, active, min(-missing, BURST))
        return _Change(None)

    async def _create(self, name: str, owner: Object, count: int) -> _Change:
        self._expectations.expect_creations(name, count)
        succeeded, error = await slow_start([owner] * count, self._create_pod)
        self._expectations.created(name, count - succeeded)
        if isinstance(error, StatusError) and is_namespace_terminating(error):
            return _Change(None)
        return _Change(error, "FailedCreate")

    async def _create_pod(self, owner: Object) -> None:
        pod = pod_from_template(spec_of(owner)["template"], owner, self._kind.resource)
        try:
            made = await self._client.create(PODS, pod, namespace=namespace_of(owner))
        except StatusError as error:
            if not is_namespace_terminating(error):
                self._events.warning(owner, "FailedCreate", f"Error creating: {error.message}")
            raise
        self._events.normal(owner, "SuccessfulCreate", f"Created pod: {name_of(made)}")

    async def _delete(self, name: str, owner: Object, active: Sequence[Object], count: int) -> _Change:
        doomed = pods_to_delete(active, self._related(owner), count, self._clock.now())
        self._expectations.expect_deletions(name, [uid_of(pod) for pod in doomed])

        async def delete(pod: Object) -> None:
            await self._delete_pod(name, owner, pod)

        failed = await all_of(doomed, delete)
        return _Change(failed[0] if failed else None, "FailedDelete")

    async def _delete_pod(self, name: str, owner: Object, pod: Object) -> None:
        try:
            await self._client.delete(PODS, name_of(pod), namespace=namespace_of(pod))
        except NotFound:
            self._expectations.deleted(name, uid_of(pod))
        except StatusError as error:
            self._expectations.deleted(name, uid_of(pod))
            self._events.warning(owner, "FailedDelete", f"Error deleting: {error.message}")
            raise
        else:
            self._events.normal(owner, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _related(self, owner: Object) -> Sequence[Object]:
        """The pods of all objects with the same controller as `owner` (a Deployment's ReplicaSets)."""
        reference = controller_of(owner)
        siblings = self._owners.by_index(BY_CONTROLLER, reference["uid"]) if reference else [owner]
        return [pod for sibling in siblings for pod in self._pods.by_index(BY_CONTROLLER, uid_of(sibling))]

    # What is written down

    def _status(self, owner: Object, active: Sequence[Object], change: _Change | None) -> Mapping[str, Any]:
        template = ((spec_of(owner)["template"].get("metadata") or {}).get("labels") or {}).items()
        ready = [pod for pod in active if is_ready(pod)]
        seconds, now = _min_ready_seconds(owner), self._clock.now()
        status = dict(status_of(owner))
        counts = {
            "replicas": len(active),
            "fullyLabeledReplicas": sum([template <= labels_of(pod).items() for pod in active]),
            "readyReplicas": len(ready),
            "availableReplicas": _available(ready, seconds, now),
        }
        for field, count in counts.items():
            if count or field == "replicas":
                status[field] = count
            else:
                status.pop(field, None)
        if self._kind.resource.group:
            owned = self._pods.by_index(BY_CONTROLLER, uid_of(owner))
            status["terminatingReplicas"] = sum([is_terminating(pod) for pod in owned])
        status["observedGeneration"] = owner["metadata"].get("generation", 0)
        found = self._conditions(status.get("conditions"), change)
        if found:
            status["conditions"] = found
        else:
            status.pop("conditions", None)
        return status

    def _conditions(
        self, old: Sequence[conditions.Condition] | None, change: _Change | None
    ) -> Sequence[conditions.Condition]:
        has_failed = conditions.find(old, "ReplicaFailure") is not None
        if change is not None and change.error is not None and not has_failed:
            text = change.error.message if isinstance(change.error, StatusError) else str(change.error)
            failure = conditions.new("ReplicaFailure", "True", change.reason, text, self._clock.now())
            return conditions.with_condition(old, failure)
        if (change is None or change.error is None) and has_failed:
            return conditions.without(old, "ReplicaFailure")
        return old or ()

    async def _write_status(self, owner: Object, status: Mapping[str, Any]) -> None:
        """Write what changed; once more on a conflict, with the object as it is now."""
        if status == status_of(owner):
            return
        try:
            await self._client.update(self._kind.resource, {**owner, "status": status}, subresource="status")
        except Conflict:
            fresh = await self._client.get(self._kind.resource, name_of(owner), namespace=namespace_of(owner))
            if uid_of(fresh) == uid_of(owner):
                await self._client.update(self._kind.resource, {**fresh, "status": status}, subresource="status")

    def _next_check(self, owner: Object, active: Sequence[Object]) -> timedelta | None:
        """When the next ready pod becomes available."""
        seconds = _min_ready_seconds(owner)
        if not seconds:
            return None
        waits = [available_in(pod, seconds, self._clock.now()) for pod in active]
        return min((wait for wait in waits if wait), default=None)


def _available(ready: Sequence[Object], seconds: int, now: datetime) -> int:
    return sum(available_in(pod, seconds, now) == timedelta(0) for pod in ready) if seconds else len(ready)


def _replicas(owner: Object) -> int:
    replicas = spec_of(owner).get("replicas")
    return 1 if replicas is None else int(replicas)


def _min_ready_seconds(owner: Object) -> int:
    return int(spec_of(owner).get("minReadySeconds") or 0)


class SelectorCache:
    """Compiled selectors of objects, remembered by UID while the selector's source is the same object."""

    def __init__(self, compile: Callable[[Any], Selector]) -> None:
        self._compile = compile
        self._known: dict[str, tuple[Any, Selector]] = {}

    def of(self, obj: Object) -> Selector:
        source = spec_of(obj).get("selector")
        uid = uid_of(obj)
        known = self._known.get(uid)
        if known is not None and known[0] == source:
            return known[1]
        try:
            selector = self._compile(source)
        except ValueError:
            selector = NOTHING
        if len(self._known) > 20_000:
            self._known.clear()
        self._known[uid] = (source, selector)
        return selector
