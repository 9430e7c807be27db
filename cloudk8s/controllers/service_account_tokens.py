"""Fill Secrets of type `kubernetes.io/service-account-token` with a token, and delete those without an account.

https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from cloudk8s.apiserver.authentication.signing_key import SigningKey
from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import annotations_of, is_deleting, key, key_of, name_of, namespace_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import SECRETS, SERVICE_ACCOUNTS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import NotFound

TYPE: Final = "kubernetes.io/service-account-token"
ACCOUNT_NAME: Final = "kubernetes.io/service-account.name"
ACCOUNT_UID: Final = "kubernetes.io/service-account.uid"
ISSUER: Final = "kubernetes/serviceaccount"
BY_ACCOUNT: Final = "service account"


class ServiceAccountTokenController:
    """Follows token Secrets only. Without a signing key it does nothing."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._key = context.options.service_account_key
        self._queue: WorkQueue[str] = WorkQueue(
            "serviceaccount_tokens_service", clock=context.clock, instruments=context.instruments
        )
        self._accounts = context.informers.of(SERVICE_ACCOUNTS)
        self._accounts.add_handler(self._account_changed)
        self._secrets = context.informers.of(SECRETS, field_selector=f"type={TYPE}")
        self._secrets.add_index(BY_ACCOUNT, _account_of)
        self._secrets.add_handler(self._secret_changed)

    async def run(self) -> None:
        if not self._key:
            await asyncio.Event().wait()
        await run_workers(self._queue, self._context.options.concurrent_serviceaccount_token_syncs, self._reconcile)

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        """Secrets wait for their account, and go with it."""
        if old is None or new is None or uid_of(old) != uid_of(new):
            for secret in self._secrets.by_index(BY_ACCOUNT, key_of(new or old or {})):
                self._queue.add(key_of(secret))

    def _secret_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        secret = self._secrets.get_key(name)
        if secret is None or is_deleting(secret):
            return None
        account = await self._account(secret)
        if account is None:
            await self._delete(secret)
        elif self._missing(secret) or annotations_of(secret).get(ACCOUNT_UID) != uid_of(account):
            await self._fill(secret, account)
        return None

    async def _account(self, secret: Object) -> Object | None:
        """The account that a Secret is for; the server has the last word on whether there is one."""
        annotations = annotations_of(secret)
        name, uid = annotations.get(ACCOUNT_NAME, ""), annotations.get(ACCOUNT_UID)
        account = self._accounts.get(name, namespace_of(secret))
        if account is None or uid not in (None, "", uid_of(account)):
            try:
                account = await self._client.get(SERVICE_ACCOUNTS, name, namespace=namespace_of(secret))
            except NotFound:
                return None
        return account if uid in (None, "", uid_of(account)) else None

    async def _delete(self, secret: Object) -> None:
        try:
            options = DeleteOptions(uid=uid_of(secret))
            await self._client.delete(SECRETS, name_of(secret), namespace=namespace_of(secret), options=options)
        except NotFound:
            return

    def _missing(self, secret: Object) -> dict[str, str]:
        """What the Secret should hold and does not, but for the token."""
        held = secret.get("data") or {}
        wanted = {"ca.crt": self._context.options.root_ca, "namespace": namespace_of(secret)}
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in wanted.items() if text}
        missing = {name: text for name, text in encoded.items() if held.get(name) != text}
        return missing if held.get("token") else {**missing, "token": ""}

    async def _fill(self, secret: Object, account: Object) -> None:
        data = {**(secret.get("data") or {}), **self._missing(secret)}
        if not data.get("token"):
            token = SigningKey(self._key.encode()).sign(_claims(secret, account))
            data["token"] = base64.b64encode(token.encode()).decode()
        annotations = {
            **annotations_of(secret),
            ACCOUNT_NAME: name_of(account),
            ACCOUNT_UID: uid_of(account),
        }
        metadata = {**secret["metadata"], "annotations": annotations}
        await self._client.update(SECRETS, {**secret, "metadata": metadata, "data": data})


def _claims(secret: Object, account: Object) -> dict[str, Any]:
    namespace, name = namespace_of(secret), name_of(account)
    return {
        "iss": ISSUER,
        "kubernetes.io/serviceaccount/namespace": namespace,
        "kubernetes.io/serviceaccount/secret.name": name_of(secret),
        "kubernetes.io/serviceaccount/service-account.name": name,
        "kubernetes.io/serviceaccount/service-account.uid": uid_of(account),
        "sub": f"system:serviceaccount:{namespace}:{name}",
    }


def _account_of(secret: Object) -> Iterable[str]:
    name = annotations_of(secret).get(ACCOUNT_NAME)
    return (key(namespace_of(secret), name),) if name else ()
