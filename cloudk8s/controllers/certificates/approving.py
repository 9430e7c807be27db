"""Approve the client certificates of kubelets, if the one who asks may have them approved."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_true, name_of, spec_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from cloudk8s.controllers.certificates.requests import BadRequestContent, content_of, is_signed, signer_of, usages_of
from cloudk8s.controllers.certificates.rules import KUBELET_CLIENT, is_of_the_node_itself, kubelet_client
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.times import format_time

_SELF: Final = "Auto approving self kubelet client certificate after SubjectAccessReview."
_OTHER: Final = "Auto approving kubelet client certificate after SubjectAccessReview."


class NotAllowed(CloudK8sError):
    """The request is one of a kubelet, but who asks may not have it approved (yet)."""


class ApprovingController:
    """Looks at requests that nobody has decided on."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        clock = context.clock
        self._queue: WorkQueue[str] = WorkQueue(
            "certificate_approval", clock=clock, instruments=context.instruments, base_delay=0.2
        )
        self._requests = context.informers.of(CERTIFICATE_SIGNING_REQUESTS)
        self._requests.add_handler(self._changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and signer_of(new) == KUBELET_CLIENT and _is_undecided(new):
            self._queue.add(name_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        request = self._requests.get(name)
        if request is None or not _is_undecided(request):
            return None
        try:
            content = content_of(request)
        except BadRequestContent:
            return None
        if kubelet_client(content, usages_of(request)):
            return None
        permissions = [("nodeclient", _OTHER)]
        if is_of_the_node_itself(request, content):
            permissions.insert(0, ("selfnodeclient", _SELF))
        for permission, message in permissions:
            if await self._may(request, permission):
                await self._approve(request, message)
                return None
        tried = " ".join(permission for permission, _ in permissions)
        raise NotAllowed(f'recognized csr "{name}" as [{tried}] but subject access review was not approved')

    async def _may(self, request: Object, permission: str) -> bool:
        spec = spec_of(request)
        attributes = {
            "group": "certificates.k8s.io", "resource": "certificatesigningrequests", "verb": "create",
            "version": "*", "subresource": permission,
        }  # fmt: skip
        asking = {
            "user": spec.get("username", ""), "uid": spec.get("uid", ""), "groups": spec.get("groups") or [],
            "extra": spec.get("extra") or {}, "resourceAttributes": attributes,
        }  # fmt: skip
        review = await self._client.create(SUBJECT_ACCESS_REVIEWS, {"spec": asking})
        return bool(status_of(review).get("allowed"))

    async def _approve(self, request: Object, message: str) -> None:
        now = format_time(self._context.clock.now())
        approved = {
            "type": "Approved", "status": "True", "reason": "AutoApproved", "message": message,
            "lastUpdateTime": now, "lastTransitionTime": now,
        }  # fmt: skip
        status = {**status_of(request), "conditions": [*(status_of(request).get("conditions") or ()), approved]}
        await self._client.update(CERTIFICATE_SIGNING_REQUESTS, {**request, "status": status}, subresource="approval")


def _is_undecided(request: Object) -> bool:
    return not is_signed(request) and not is_true(request, "Approved") and not is_true(request, "Denied")
