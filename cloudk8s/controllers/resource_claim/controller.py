"""Which pods and claims to look at, and when.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_of,
    is_controlled_by,
    is_deleting,
    key_of,
    namespace_of,
    spec_of,
    uid_of,
)
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PODS, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import BY_CONTROLLER, controllers_of
from cloudk8s.controllers.resource_claim.making import ANNOTATION, CannotMake, Making
from cloudk8s.controllers.resource_claim.pod_claims import (
    BY_RESOURCE_CLAIM,
    NotMadeYet,
    claim_name,
    declared_by,
    is_done,
    is_from_template,
    resource_claims_of,
)
from cloudk8s.controllers.resource_claim.upkeep import Upkeep, wants_reservation


class ResourceClaimController:
    """Pods that want claims get them; claims are tidied when they, or pods that use them, change."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._events = context.events.for_component("resource_claim")
        self._pods_queue: WorkQueue[str] = WorkQueue(
            "resource_claim_pods", clock=context.clock, instruments=context.instruments
        )
        self._claims_queue: WorkQueue[str] = WorkQueue(
            "resource_claim", clock=context.clock, instruments=context.instruments
        )
        self._templates = context.informers.of(RESOURCE_CLAIM_TEMPLATES)
        self._templates.add_handler(self._template_changed)
        self._claims = context.informers.of(RESOURCE_CLAIMS)
        self._claims.add_index(BY_CONTROLLER, controllers_of)
        self._claims.add_handler(self._claim_changed)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_RESOURCE_CLAIM, resource_claims_of)
        self._pods.add_handler(self._pod_changed)
        self._made: dict[tuple[str, str], Object] = {}
        self._making = Making(context.client, self._claims, self._templates.get, self._made)
        self._upkeep = Upkeep(context.client, self._pods)

    async def run(self) -> None:
        workers = self._context.options.concurrent_resource_claim_syncs
        async with asyncio.TaskGroup() as group:
            group.create_task(run_workers(self._pods_queue, workers, self._serve))
            group.create_task(run_workers(self._claims_queue, workers, self._tidy))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        if not spec_of(pod).get("resourceClaims") and not resource_claims_of(pod):
            return
        if new is None or is_done(new):
            for claim in resource_claims_of(pod):
                self._claims_queue.add(claim)
        if new is None:
            self._forget(pod)
        elif self._needs_work(new):
            self._pods_queue.add(key_of(new))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        claim = new or old
        assert claim is not None
        if new is not None:
            self._claims_queue.add(key_of(new))
        if owner := controller_of(claim):
            self._made.pop((owner["uid"], annotations_of(claim).get(ANNOTATION, "")), None)
        for pod in self._pods.by_index(BY_RESOURCE_CLAIM, key_of(claim)):
            if self._needs_work(pod):
                self._pods_queue.add(key_of(pod))

    def _template_changed(self, old: Object | None, new: Object | None) -> None:
        """A pod that waits for a template need not wait for its backoff."""
        if old is not None or new is None:
            return
        for pod in self._pods.list(namespace_of(new)):
            if any(item.get("resourceClaimTemplateName") == new["metadata"]["name"] for item in declared_by(pod)):
                self._pods_queue.add(key_of(pod))

    def _forget(self, pod: Object) -> None:
        for declared in declared_by(pod):
            self._made.pop((uid_of(pod), declared["name"]), None)

    def _needs_work(self, pod: Object) -> bool:
        if is_deleting(pod) or is_done(pod):
            return False
        for declared in declared_by(pod):
            try:
                name = claim_name(pod, declared)
            except NotMadeYet:
                return True
            claim = self._claims.get(name, namespace_of(pod)) if name else None
            if claim is None:
                if name and is_from_template(declared):
                    return True
            elif spec_of(pod).get("nodeName") and wants_reservation(claim, pod):
                return True
        return False

    async def _serve(self, name: str) -> timedelta | None:
        pod = self._pods.get_key(name)
        if pod is None or is_deleting(pod) or is_done(pod):
            return None
        try:
            await self._making.complete(pod)
        except CannotMake as error:
            self._events.warning(pod, "FailedResourceClaimCreation", str(error))
            raise
        if spec_of(pod).get("nodeName"):
            await self._reserve(pod)
        return None

    async def _reserve(self, pod: Object) -> None:
        """For pods that came to their node past the scheduler."""
        for declared in declared_by(pod):
            try:
                name = claim_name(pod, declared)
            except NotMadeYet:
                return
            claim = self._claims.get(name, namespace_of(pod)) if name else None
            if claim is None or (is_from_template(declared) and not is_controlled_by(claim, pod)):
                continue
            if wants_reservation(claim, pod):
                await self._upkeep.reserve(claim, pod)

    async def _tidy(self, name: str) -> timedelta | None:
        claim = self._claims.get_key(name)
        if claim is not None:
            await self._upkeep.tidy(claim)
        return None
