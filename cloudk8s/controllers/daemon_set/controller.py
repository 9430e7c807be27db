"""Which DaemonSets to look at, and when. https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    owner_references_of,
    status_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from cloudk8s.controllers.claims import Claim
from cloudk8s.controllers.daemon_set import status
from cloudk8s.controllers.daemon_set.history import DaemonHistory
from cloudk8s.controllers.daemon_set.placement import Placement, Placements, is_same_place, place
from cloudk8s.controllers.daemon_set.pods import by_node
from cloudk8s.controllers.daemon_set.requests import DaemonRequests
from cloudk8s.controllers.daemon_set.settings import is_rolling, min_ready_seconds
from cloudk8s.controllers.daemon_set.updates import Update
from cloudk8s.controllers.daemon_set.upkeep import FailurePauses, Plan, Upkeep
from cloudk8s.controllers.expectations import Expectations
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_CONTROLLER, available_in, controllers_of
from cloudk8s.controllers.revisions import POD_LABEL
from cloudk8s.controllers.selector_cache import SelectorCache
from cloudk8s.machinery import labels

COALESCE = 0.05
"""Seconds that pod changes are collected: a look costs as much as there are nodes."""


class DaemonSetController:
    """Enqueues a DaemonSet when it, a pod or revision of it, or a node's fitness for it changes."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("daemonset-controller")
        self._queue: WorkQueue[str] = WorkQueue("daemonset", clock=context.clock, instruments=context.instruments)
        self._expectations = Expectations(context.clock)
        self._selectors = SelectorCache(labels.from_object)
        self._placements = Placements()
        self._pauses = FailurePauses(context.clock)
        self._sets = context.informers.of(DAEMON_SETS)
        self._sets.add_handler(self._set_changed)
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._node_changed)
        self._revisions = context.informers.of(CONTROLLER_REVISIONS)
        self._revisions.add_index(BY_CONTROLLER, controllers_of)
        self._revisions.add_handler(self._revision_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_CONTROLLER, controllers_of)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_daemonset_syncs, self._reconcile)

    # What happens

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._expectations.forget(key_of(old))
            self._placements.forget(old)
        self._queue.add(key_of(new or old or {}))

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and is_same_place(old, new):
            return
        node = new or old
        assert node is not None
        self._placements.node_changed(name_of(node))
        for daemon_set in self._sets.list():
            before = place(daemon_set, old) if old else None
            if before != (self._placements.of(daemon_set, new) if new else None):
                self._queue.add_after(key_of(daemon_set), COALESCE)

    def _revision_changed(self, old: Object | None, new: Object | None) -> None:
        for item in (old, new):
            if item is not None and (owner := self._owner_of(item)):
                self._queue.add(owner)
        if new is not None and controller_of(new) is None and (old is None or owner_references_of(old)):
            self._enqueue_claimants(new)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        before, after = self._owner_of(old) if old else "", self._owner_of(pod)
        if after and old is None:
            self._expectations.created(after)
        if after and (new is None or is_deleting(new)):
            self._expectations.deleted(after, uid_of(pod))
        for owner in {before, after} - {""}:
            self._queue.add_after(owner, COALESCE)
        if new is None or controller_of(new) is not None:
            return
        if old is None or before or labels_of(old) != labels_of(new):
            self._enqueue_claimants(new)

    def _owner_of(self, owned: Object) -> str:
        reference = controller_of(owned)
        if reference is None or reference["kind"] != DAEMON_SETS.kind:
            return ""
        name = key(namespace_of(owned), reference["name"])
        owner = self._sets.get_key(name)
        return name if owner is not None and uid_of(owner) == reference["uid"] else ""

    def _enqueue_claimants(self, orphan: Object) -> None:
        found = labels_of(orphan)
        for owner in self._sets.list(namespace_of(orphan)) if found else ():
            if self._selectors.of(owner).matches(found):
                self._queue.add(key_of(owner))

    # What is done about it

    async def _reconcile(self, name: str) -> timedelta | None:
        daemon_set = self._sets.get_key(name)
        if daemon_set is None:
            self._expectations.forget(name)
            return None
        selector = self._selectors.of(daemon_set)
        if selector.is_everything:
            message = "This daemon set is selecting all pods. A non-empty selector is required."
            self._events.warning(daemon_set, "SelectingAll", message)
            return None
        if is_deleting(daemon_set):
            return None
        claim = Claim(self._client, daemon_set, DAEMON_SETS, PODS, selector)
        pods = await claim.of(self._pods)
        revisions = await Claim(self._client, daemon_set, DAEMON_SETS, CONTROLLER_REVISIONS, selector).of(
            self._revisions
        )
        history = DaemonHistory(self._client, daemon_set, pods, self._context.settings.kubernetes_version)
        current, old = await history.ensure(revisions)
        return await self._sync(name, daemon_set, pods, history, labels_of(current)[POD_LABEL], old)

    async def _sync(
        self, name: str, daemon_set: Object, pods: Sequence[Object], history: DaemonHistory, hash: str,
        old: Sequence[Object],
    ) -> timedelta | None:  # fmt: skip
        nodes, on_nodes = self._nodes.list(), by_node(pods)
        is_seen = self._expectations.satisfied(name)
        again, error = None, None
        if is_seen:
            again, error = await self._adjust(name, daemon_set, nodes, on_nodes, hash)
            await history.truncate(old)
        now = self._context.clock.now()
        wanted = status.counted(daemon_set, hash, nodes, on_nodes, self._place(daemon_set), now)
        if is_seen:
            wanted["observedGeneration"] = daemon_set["metadata"].get("generation", 0)
        await self._write_status(daemon_set, wanted)
        if error is not None:
            raise error
        return min((wait for wait in (again, self._next_check(daemon_set, pods)) if wait), default=None)

    async def _adjust(
        self, name: str, daemon_set: Object, nodes: Sequence[Object], on_nodes: dict[str, list[Object]], hash: str
    ) -> tuple[timedelta | None, Exception | None]:
        """Give nodes what they lack, then go on with an update; when to look again, and what went wrong."""
        requests = DaemonRequests(self._client, self._events, self._expectations, name, daemon_set, hash)
        now = self._context.clock.now()
        upkeep = Upkeep(daemon_set, hash, self._events, self._pauses, now)
        plan = upkeep.plan(nodes, on_nodes, self._place(daemon_set))
        error = await requests.carry_out(plan)
        if error is None and is_rolling(daemon_set) and self._expectations.satisfied(name):
            error = await requests.carry_out(self._update(daemon_set, nodes, on_nodes, hash))
        return plan.again, error

    def _update(
        self, daemon_set: Object, nodes: Sequence[Object], on_nodes: dict[str, list[Object]], hash: str
    ) -> Plan:
        desired = [name_of(node) for node in nodes if self._placements.of(daemon_set, node).runs]
        runs = frozenset(desired)
        update = Update(daemon_set, hash, self._context.clock.now(), runs.__contains__)
        return update.plan({**dict.fromkeys(desired, ()), **on_nodes}, len(desired))

    def _place(self, daemon_set: Object) -> Callable[[Object], Placement]:
        def of(node: Object) -> Placement:
            return self._placements.of(daemon_set, node)

        return of

    async def _write_status(self, daemon_set: Object, wanted: Mapping[str, Any]) -> None:
        if wanted != status_of(daemon_set):
            await self._client.update(DAEMON_SETS, {**daemon_set, "status": wanted}, subresource="status")

    def _next_check(self, daemon_set: Object, pods: Sequence[Object]) -> timedelta | None:
        """When the next ready pod becomes available."""
        seconds = min_ready_seconds(daemon_set)
        if not seconds:
            return None
        waits = [available_in(pod, seconds, self._context.clock.now()) for pod in pods]
        return min((wait for wait in waits if wait), default=None)
