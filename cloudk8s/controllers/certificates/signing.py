"""Sign approved requests to the cluster's own signers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_true, name_of, spec_of, status_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS
from cloudk8s.controllers.certificates.authority import CertificateAuthority
from cloudk8s.controllers.certificates.requests import (
    BadRequestContent,
    content_of,
    is_approved,
    is_signed,
    signer_of,
    usages_of,
)
from cloudk8s.controllers.certificates.rules import SIGNERS, refusal
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.machinery.times import format_time


class SigningController:
    """A signer without an authority signs nothing."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._authorities = dict(_authorities(context.options))
        self._queue: WorkQueue[str] = WorkQueue(
            "certificate_signing", clock=context.clock, instruments=context.instruments, base_delay=0.2
        )
        self._requests = context.informers.of(CERTIFICATE_SIGNING_REQUESTS)
        self._requests.add_handler(self._changed)

    async def run(self) -> None:
        if not self._authorities:
            await asyncio.Event().wait()
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and self._is_due(new):
            self._queue.add(name_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        request = self._requests.get(name)
        if request is None or not self._is_due(request):
            return None
        try:
            content = content_of(request)
        except BadRequestContent as error:
            await self._fail(request, str(error))
            return None
        if reason := refusal(request, content):
            await self._fail(request, reason)
            return None
        seconds = spec_of(request).get("expirationSeconds")
        now = self._context.clock.now()
        authority = self._authorities[signer_of(request)]
        certificate = authority.sign(content, usages_of(request), None if seconds is None else int(seconds), now)
        await self._write(request, {**status_of(request), "certificate": certificate})
        return None

    async def _fail(self, request: Object, reason: str) -> None:
        now = format_time(self._context.clock.now())
        failed = {
            "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": reason,
            "lastUpdateTime": now, "lastTransitionTime": now,
        }  # fmt: skip
        conditions = [*(status_of(request).get("conditions") or ()), failed]
        await self._write(request, {**status_of(request), "conditions": conditions})

    async def _write(self, request: Object, status: Object) -> None:
        changed = {**request, "status": status}
        await self._context.client.update(CERTIFICATE_SIGNING_REQUESTS, changed, subresource="status")

    def _is_due(self, request: Object) -> bool:
        is_open = is_approved(request) and not is_true(request, "Failed") and not is_signed(request)
        return is_open and signer_of(request) in self._authorities


def _authorities(options: ControllerSettings) -> Iterator[tuple[str, CertificateAuthority]]:
    """The authority of each signer: its own, or the cluster's."""
    common = (options.cluster_signing_certificate, options.cluster_signing_key)
    for signer in SIGNERS:
        certificate, key = options.signing_authorities.get(signer, common)
        if key:
            yield signer, CertificateAuthority(certificate, key, longest=options.cluster_signing_duration)
