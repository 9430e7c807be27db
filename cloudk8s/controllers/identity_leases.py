"""Delete the leases by which API servers said that they were there, once they are not."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import name_of, resource_version_of, spec_of, uid_of
from cloudk8s.client.resources import LEASES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import Conflict, NotFound, StatusError
from cloudk8s.machinery.times import parse_time

NAMESPACE: Final = "kube-system"
SELECTOR: Final = "apiserver.kubernetes.io/identity=kube-apiserver"
PERIOD: Final = 3600.0

_log = logging.getLogger(__name__)


class IdentityLeaseCleaner:
    """Looks once an hour. A lease that does not say until when it holds is none."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._clock = context.clock
        self._leases = context.informers.of(LEASES, namespace=NAMESPACE, label_selector=SELECTOR)

    async def run(self) -> None:
        while True:
            for lease in self._leases.list():
                if has_expired(lease, self._clock.now()):
                    await self._delete(name_of(lease))
            await self._clock.sleep(PERIOD)

    async def _delete(self, name: str) -> None:
        """The cache may be old: the lease is read again, and deleted only as it was read."""
        try:
            lease = await self._client.get(LEASES, name, namespace=NAMESPACE)
            if has_expired(lease, self._clock.now()):
                options = DeleteOptions(uid=uid_of(lease), resource_version=resource_version_of(lease))
                await self._client.delete(LEASES, name, namespace=NAMESPACE, options=options)
        except (NotFound, Conflict):
            return
        except StatusError as error:
            _log.warning("lease %s/%s not deleted: %s", NAMESPACE, name, error)


def has_expired(lease: Object, now: datetime) -> bool:
    renewed, seconds = spec_of(lease).get("renewTime"), spec_of(lease).get("leaseDurationSeconds")
    if not renewed or seconds is None:
        return True
    return parse_time(renewed) + timedelta(seconds=int(seconds)) < now
