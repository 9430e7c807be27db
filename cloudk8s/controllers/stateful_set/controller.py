"""Which StatefulSets to look at, and when. https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    controller_of,
    is_deleting,
    key,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    status_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from cloudk8s.controllers.claims import Claim
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_CONTROLLER, available_in, controllers_of, is_namespace_terminating
from cloudk8s.controllers.revisions import History, in_order
from cloudk8s.controllers.selector_cache import SelectorCache
from cloudk8s.controllers.stateful_set import status
from cloudk8s.controllers.stateful_set.members import is_member, min_ready_seconds, revision_of
from cloudk8s.controllers.stateful_set.requests import ClaimIsGoing, MemberRequests
from cloudk8s.controllers.stateful_set.rollout import Rollout
from cloudk8s.errors import AlreadyExists, Conflict, StatusError
from cloudk8s.machinery import labels

COALESCE = 0.02


class StatefulSetController:
    """Enqueues a StatefulSet when it, one of its pods or its revisions changes."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("statefulset-controller")
        self._queue: WorkQueue[str] = WorkQueue("statefulset", clock=context.clock, instruments=context.instruments)
        self._selectors = SelectorCache(labels.from_object)
        self._sets = context.informers.of(STATEFUL_SETS)
        self._sets.add_handler(self._set_changed)
        self._claims = context.informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._revisions = context.informers.of(CONTROLLER_REVISIONS)
        self._revisions.add_index(BY_CONTROLLER, controllers_of)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_CONTROLLER, controllers_of)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_statefulset_syncs, self._reconcile)

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        before = self._owner_of(old) if old else ""
        after = self._owner_of(new) if new else ""
        for owner in {before, after} - {""}:
            self._queue.add_after(owner, COALESCE)
        if new is None or controller_of(new) is not None:
            return
        if old is None or before or labels_of(old) != labels_of(new):
            self._enqueue_claimants(new)

    def _owner_of(self, pod: Object) -> str:
        reference = controller_of(pod)
        if reference is None or reference["kind"] != STATEFUL_SETS.kind:
            return ""
        name = key(namespace_of(pod), reference["name"])
        owner = self._sets.get_key(name)
        return name if owner is not None and uid_of(owner) == reference["uid"] else ""

    def _enqueue_claimants(self, pod: Object) -> None:
        found = labels_of(pod)
        for owner in self._sets.list(namespace_of(pod)) if found else ():
            if is_member(owner, pod) and self._selectors.of(owner).matches(found):
                self._queue.add(key_of(owner))

    async def _reconcile(self, name: str) -> timedelta | None:
        owner = self._sets.get_key(name)
        if owner is None:
            return None
        selector = self._selectors.of(owner)
        revisions = in_order(
            await Claim(self._client, owner, STATEFUL_SETS, CONTROLLER_REVISIONS, selector).of(self._revisions)
        )
        claim = Claim(self._client, owner, STATEFUL_SETS, PODS, selector)
        pods = await claim.of(self._pods, only=lambda pod: is_member(owner, pod))
        try:
            return await self._sync(owner, revisions, pods)
        except StatusError as error:
            if is_namespace_terminating(error):
                return None
            raise

    async def _sync(self, owner: Object, revisions: Sequence[Object], pods: Sequence[Object]) -> timedelta | None:
        count = int(status_of(owner).get("collisionCount") or 0)
        history = History(self._client, owner, STATEFUL_SETS, count)
        update = await history.ensure(revisions)
        current_name = status_of(owner).get("currentRevision")
        current = next((item for item in revisions if name_of(item) == current_name), update)
        requests = MemberRequests(self._client, self._events, self._claims, owner)
        now = self._context.clock.now()
        rollout = Rollout(requests, owner, current, update, pods, now)
        error = None
        if not is_deleting(owner):
            error = await _attempt(rollout)
        wanted = status.counted(owner, pods, current, update, history.collision_count, now)
        wanted["currentReplicas"] -= rollout.deleted_for_update
        await self._write_status(owner, status.completed(owner, wanted))
        if error is not None:
            raise error
        live = {name_of(current), name_of(update), *map(revision_of, pods)}
        await history.truncate(revisions, live)
        return self._next_check(owner, pods)

    async def _write_status(self, owner: Object, wanted: Mapping[str, Any]) -> None:
        if wanted == status_of(owner):
            return
        await self._client.update(STATEFUL_SETS, {**owner, "status": wanted}, subresource="status")

    def _next_check(self, owner: Object, pods: Sequence[Object]) -> timedelta | None:
        """When the next ready pod becomes available."""
        seconds = min_ready_seconds(owner)
        if not seconds:
            return None
        waits = [available_in(pod, seconds, self._context.clock.now()) for pod in pods]
        return min((wait for wait in waits if wait), default=None)


async def _attempt(rollout: Rollout) -> Exception | None:
    """Run it; status is written whatever came of it."""
    try:
        await rollout.run()
    except AlreadyExists as error:
        return Conflict(error.message)
    except (StatusError, ClaimIsGoing) as error:
        return error
    return None
