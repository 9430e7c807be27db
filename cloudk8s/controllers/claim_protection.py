"""Keep PersistentVolumeClaims until no pod uses them any more.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, namespace_of, spec_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.protection import Protection
from cloudk8s.controllers.volume_users import BY_CLAIM, claims_of, watch_claims

FINALIZER: Final = "kubernetes.io/pvc-protection"


class ClaimProtection:
    """Puts its finalizer on claims, and takes it off those that are deleted once no pod on a node uses them."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._queue: WorkQueue[str] = WorkQueue("pvcprotection", clock=context.clock, instruments=context.instruments)
        self._protection = Protection(context.client, PERSISTENT_VOLUME_CLAIMS, FINALIZER)
        self._claims, self._pods = watch_claims(context.informers, self._claim_changed, self._pod_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if self._protection.is_due(new):
            self._queue.add(key_of(new or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """Only a pod that is gone can set a claim free."""
        if new is None and old is not None:
            for claim in claims_of(old):
                self._queue.add(claim)

    async def _reconcile(self, name: str) -> timedelta | None:
        await self._protection.settle(self._claims.get_key(name), self._is_used)
        return None

    async def _is_used(self, claim: Object) -> bool:
        """Whether a pod that has a node uses it; the server has the last word, for what is deleted is lost."""
        if any(spec_of(pod).get("nodeName") for pod in self._pods.by_index(BY_CLAIM, key_of(claim))):
            return True
        pods = await self._client.list(PODS, namespace=namespace_of(claim))
        return any(spec_of(pod).get("nodeName") and key_of(claim) in claims_of(pod) for pod in pods.items)
