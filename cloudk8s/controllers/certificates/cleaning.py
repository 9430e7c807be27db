"""Delete requests that have been decided, or waited for, long enough."""

from __future__ import annotations

import base64
import logging
from datetime import datetime, timedelta
from typing import Final

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import condition, name_of, status_of, uid_of
from cloudk8s.client.resources import CERTIFICATE_SIGNING_REQUESTS
from cloudk8s.controllers.certificates.requests import is_signed
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import Conflict, NotFound, StatusError
from cloudk8s.machinery.times import parse_time

PERIOD: Final = timedelta(hours=1)
DECIDED: Final = timedelta(hours=1)
PENDING: Final = timedelta(hours=24)

_log = logging.getLogger(__name__)


class CleaningController:
    """Looks every hour."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._clock = context.clock
        self._requests = context.informers.of(CERTIFICATE_SIGNING_REQUESTS)

    async def run(self) -> None:
        while True:
            await self._clock.sleep(PERIOD.total_seconds())
            for request in self._requests.list():
                if is_old(request, self._clock.now()):
                    await self._delete(request)

    async def _delete(self, request: Object) -> None:
        try:
            options = DeleteOptions(uid=uid_of(request))
            await self._client.delete(CERTIFICATE_SIGNING_REQUESTS, name_of(request), options=options)
        except (NotFound, Conflict):
            return
        except StatusError as error:
            _log.warning("certificate request %s could not be deleted: %s", name_of(request), error)


def is_old(request: Object, now: datetime) -> bool:
    """Whether a request is of no more use to anybody."""
    if _is_past(request, "Denied", now) or _is_past(request, "Failed", now):
        return True
    if condition(request, "Approved") is None:
        return parse_time(request["metadata"]["creationTimestamp"]) + PENDING < now
    return _is_past(request, "Approved", now) or (is_signed(request) and _has_expired(request, now))


def _is_past(request: Object, type: str, now: datetime) -> bool:
    found = condition(request, type)
    stamp = (found or {}).get("lastUpdateTime")
    return bool(stamp) and parse_time(str(stamp)) + DECIDED < now


def _has_expired(request: Object, now: datetime) -> bool:
    from cryptography import x509

    try:
        pem = base64.b64decode(status_of(request)["certificate"])
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc < now
    except ValueError:
        return False
