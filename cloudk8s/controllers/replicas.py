"""Keep as many pods as an object's `spec.replicas` says: the engine of ReplicaSets and ReplicationControllers.

Pod events enqueue their owner; a reconciliation claims pods, creates or deletes the difference, and writes status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
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
from cloudk8s.controllers.claims import Claim
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pod_ranking import pods_to_delete
from cloudk8s.controllers.pods import BY_CONTROLLER, controllers_of, is_active, is_terminating
from cloudk8s.controllers.replica_pods import Change, ReplicaPods
from cloudk8s.controllers.replica_status import next_check, status
from cloudk8s.errors import Conflict
from cloudk8s.machinery.labels import Selector

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
        self._requests = ReplicaPods(self._client, self._events, self._expectations, kind.resource)
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
        change = await self._adjust(owner, active) if needs_change else None
        wanted = status(owner, active, self._terminating(owner), change, self._clock.now())
        await self._write_status(owner, wanted)
        if change is not None and change.error is not None:
            raise change.error
        return next_check(owner, active, self._clock.now())

    async def _adjust(self, owner: Object, active: Sequence[Object]) -> Change:
        missing = _replicas(owner) - len(active)
        if missing > 0:
            return await self._requests.create(owner, min(missing, BURST))
        if missing < 0:
            doomed = pods_to_delete(active, self._related(owner), min(-missing, BURST), self._clock.now())
            return await self._requests.delete(owner, doomed)
        return Change(None)

    def _related(self, owner: Object) -> Sequence[Object]:
        """The pods of all objects with the same controller as `owner` (a Deployment's ReplicaSets)."""
        reference = controller_of(owner)
        siblings = self._owners.by_index(BY_CONTROLLER, reference["uid"]) if reference else [owner]
        return [pod for sibling in siblings for pod in self._pods.by_index(BY_CONTROLLER, uid_of(sibling))]

    def _terminating(self, owner: Object) -> int | None:
        """ReplicationControllers do not say."""
        if not self._kind.resource.group:
            return None
        return sum([is_terminating(pod) for pod in self._pods.by_index(BY_CONTROLLER, uid_of(owner))])

    async def _write_status(self, owner: Object, wanted: Mapping[str, Any]) -> None:
        """Write what changed; once more on a conflict, with the object as it is now."""
        if wanted == status_of(owner):
            return
        try:
            await self._client.update(self._kind.resource, {**owner, "status": wanted}, subresource="status")
        except Conflict:
            fresh = await self._client.get(self._kind.resource, name_of(owner), namespace=namespace_of(owner))
            if uid_of(fresh) == uid_of(owner):
                await self._client.update(self._kind.resource, {**fresh, "status": wanted}, subresource="status")


def _replicas(owner: Object) -> int:
    replicas = spec_of(owner).get("replicas")
    return 1 if replicas is None else int(replicas)
