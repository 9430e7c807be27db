"""Take back service-account tokens that were made without being asked for and that nobody has used for a year.

First the Secret is marked, and its token is refused; when nobody has put that right for as long again, it is deleted.
https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#legacy-serviceaccount-token-cleaner
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Final

from cloudk8s.apiserver.authentication.legacy_token import INVALID_SINCE, LAST_USED
from cloudk8s.apiserver.authorization.node_references import pod_references
from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import (
    annotations_of,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    resource_version_of,
    uid_of,
)
from cloudk8s.client.resources import CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.service_account_tokens import ACCOUNT_NAME, ACCOUNT_UID, TYPE
from cloudk8s.errors import Conflict, NotFound, StatusError
from cloudk8s.machinery.times import parse_time

PERIOD: Final = timedelta(hours=24)
TRACKING: Final = "kube-apiserver-legacy-service-account-token-tracking"
"""The ConfigMap that says since when uses are noticed."""

_log = logging.getLogger(__name__)


class LegacyTokenCleaner:
    """Looks once a day."""

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._clock = context.clock
        self._age = context.options.legacy_service_account_token_clean_up_period
        self._secrets = context.informers.of(SECRETS, field_selector=f"type={TYPE}")
        self._accounts = context.informers.of(SERVICE_ACCOUNTS)
        self._pods = context.informers.of(PODS)

    async def run(self) -> None:
        while True:
            try:
                await self._look()
            except StatusError as error:
                _log.warning("tokens in Secrets not looked at: %s", error)
            await self._clock.sleep(PERIOD.total_seconds())

    async def _look(self) -> None:
        now = self._clock.now()
        since = await self._tracked_since()
        if since is None or now < since + self._age:
            return
        for secret in self._secrets.list():
            if self._is_unused(secret, now - self._age) and self._is_automatic(secret):
                await self._take_back(secret, now)

    async def _tracked_since(self) -> datetime | None:
        """From the day after the one that is written down, uses were noticed all day long."""
        try:
            noted = await self._client.get(CONFIG_MAPS, TRACKING, namespace="kube-system")
        except NotFound:
            return None
        day = _day((noted.get("data") or {}).get("since", ""))
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) if day else None

    def _is_unused(self, secret: Object, limit: datetime) -> bool:
        if is_deleting(secret) or parse_time(secret["metadata"]["creationTimestamp"]) >= limit:
            return False
        used = labels_of(secret).get(LAST_USED)
        if used is None:
            return True
        day = _day(used)
        return day is not None and day < limit.date()

    def _is_automatic(self, secret: Object) -> bool:
        """Whether its account names it, which only tokens do that came with their account, and no pod mounts it."""
        account = self._accounts.get(annotations_of(secret).get(ACCOUNT_NAME, ""), namespace_of(secret))
        uid = annotations_of(secret).get(ACCOUNT_UID)
        if account is None or (uid and uid != uid_of(account)):
            return False
        if all(item.get("name") != name_of(secret) for item in account.get("secrets") or ()):
            return False
        wanted = ("secrets", namespace_of(secret), name_of(secret))
        return all(wanted not in pod_references(pod) for pod in self._pods.list(namespace_of(secret)))

    async def _take_back(self, secret: Object, now: datetime) -> None:
        marked = _day(labels_of(secret).get(INVALID_SINCE, ""))
        name, namespace = name_of(secret), namespace_of(secret)
        try:
            if marked is None:
                labels = {INVALID_SINCE: now.date().isoformat()}
                patch = {"metadata": {"uid": uid_of(secret), "labels": labels}}
                await self._client.patch(SECRETS, name, patch, namespace=namespace)
            elif marked < (now - self._age).date():
                options = DeleteOptions(resource_version=resource_version_of(secret))
                await self._client.delete(SECRETS, name, namespace=namespace, options=options)
        except (Conflict, NotFound):
            return
        except StatusError as error:
            _log.warning("token %s/%s not taken back: %s", namespace, name, error)


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return None
