"""Which Deployments to look at, and when. https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    controller_of,
    is_deleting,
    key,
    key_of,
    labels_of,
    namespace_of,
    owner_references_of,
    spec_of,
    status_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from cloudk8s.controllers.claims import Claim
from cloudk8s.controllers.deployment.new_set import NewSet
from cloudk8s.controllers.deployment.rollout import Rollout
from cloudk8s.controllers.deployment.sets import is_recreate
from cloudk8s.controllers.deployment.state import State
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_CONTROLLER, controllers_of, is_terminal
from cloudk8s.machinery import labels


class DeploymentController:
    """Enqueues a Deployment when it, one of its ReplicaSets or (Recreate) the last old pod changes."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("deployment-controller")
        self._queue: WorkQueue[str] = WorkQueue("deployment", clock=context.clock, instruments=context.instruments)
        self._deployments = context.informers.of(DEPLOYMENTS)
        self._deployments.add_handler(self._deployment_changed)
        self._sets = context.informers.of(REPLICA_SETS)
        self._sets.add_index(BY_CONTROLLER, controllers_of)
        self._sets.add_handler(self._set_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_CONTROLLER, controllers_of)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_deployment_syncs, self._reconcile)

    def _deployment_changed(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(key_of(new or old or {}))

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        before = self._owner_of(old) if old else ""
        after = self._owner_of(new) if new else ""
        for owner in {before, after} - {""}:
            self._queue.add(owner)
        if new is None or controller_of(new) is not None:
            return
        if old is None or owner_references_of(old) != owner_references_of(new) or labels_of(old) != labels_of(new):
            self._enqueue_claimants(new)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """Only the end of a pod matters, and only where a new rollout waits for it."""
        if old is None or (new is not None and (is_terminal(old) or not is_terminal(new))):
            return
        reference = controller_of(old)
        if reference is None or reference["kind"] != REPLICA_SETS.kind:
            return
        replica_set = self._sets.get(reference["name"], namespace_of(old))
        owner = self._owner_of(replica_set) if replica_set else ""
        deployment = self._deployments.get_key(owner) if owner else None
        if deployment is not None and is_recreate(deployment) and not self._has_pods(deployment, None):
            self._queue.add(owner)

    def _owner_of(self, replica_set: Object) -> str:
        reference = controller_of(replica_set)
        if reference is None or reference["kind"] != DEPLOYMENTS.kind:
            return ""
        name = key(namespace_of(replica_set), reference["name"])
        owner = self._deployments.get_key(name)
        return name if owner is not None and uid_of(owner) == reference["uid"] else ""

    def _enqueue_claimants(self, replica_set: Object) -> None:
        found = labels_of(replica_set)
        for deployment in self._deployments.list(namespace_of(replica_set)) if found else ():
            if labels.from_object(spec_of(deployment).get("selector")).matches(found):
                self._queue.add(key_of(deployment))

    def _has_pods(self, deployment: Object, new: Object | None) -> bool:
        """Whether pods of the Deployment's ReplicaSets, the new one's aside, have not come to their end."""
        for item in self._sets.by_index(BY_CONTROLLER, uid_of(deployment)):
            if new is not None and uid_of(item) == uid_of(new):
                continue
            if any(not is_terminal(pod) for pod in self._pods.by_index(BY_CONTROLLER, uid_of(item))):
                return True
        return False

    async def _reconcile(self, name: str) -> timedelta | None:
        deployment = self._deployments.get_key(name)
        if deployment is None:
            return None
        selector = labels.from_object(spec_of(deployment).get("selector"))
        if selector.is_everything:
            await self._refuse(deployment)
            return None
        sets = await Claim(self._client, deployment, DEPLOYMENTS, REPLICA_SETS, selector).of(self._sets)
        state = State(self._client, self._context.clock, self._events, deployment, sets)
        new_set = NewSet(state, self._context.settings.kubernetes_version)
        rollout = Rollout(state, new_set, lambda new: self._has_pods(deployment, new))
        return await rollout.run()

    async def _refuse(self, deployment: Object) -> None:
        message = "This deployment is selecting all pods. A non-empty selector is required."
        self._events.warning(deployment, "SelectingAll", message)
        generation = deployment["metadata"].get("generation", 0)
        if status_of(deployment).get("observedGeneration", 0) < generation and not is_deleting(deployment):
            status = {**status_of(deployment), "observedGeneration": generation}
            await self._client.update(DEPLOYMENTS, {**deployment, "status": status}, subresource="status")
