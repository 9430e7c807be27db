"""Delete PodCertificateRequests that nobody waits for any more: kubelets ask for a new one long before."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import DeleteOptions, Object, Resource
from cloudk8s.client.objects import key_of, name_of, namespace_of, uid_of
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.kinds import served
from cloudk8s.errors import Conflict, NotFound, StatusError
from cloudk8s.machinery.times import parse_time

PERIOD: Final = timedelta(minutes=5)
OLD: Final = timedelta(minutes=15)

_log = logging.getLogger(__name__)


class PodRequestCleaner:
    """Looks every five minutes; does nothing where the server has no PodCertificateRequests."""

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._clock, self._informers = context.client, context.clock, context.informers

    async def run(self) -> None:
        resource = await served(self._client, "certificates.k8s.io", "PodCertificateRequest")
        if resource is None:
            await asyncio.Event().wait()
            return
        requests = self._informers.of(resource)
        await requests.synced()
        while True:
            for request in requests.list():
                if parse_time(request["metadata"]["creationTimestamp"]) + OLD < self._clock.now():
                    await self._delete(resource, request)
            await self._clock.sleep(PERIOD.total_seconds())

    async def _delete(self, resource: Resource, request: Object) -> None:
        options = DeleteOptions(uid=uid_of(request))
        try:
            await self._client.delete(resource, name_of(request), namespace=namespace_of(request), options=options)
        except (NotFound, Conflict):
            return
        except StatusError as error:
            _log.warning("pod certificate request %s not deleted: %s", key_of(request), error)
