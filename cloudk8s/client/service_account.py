"""Credentials of a service account, by tokens that somebody else may ask for: short-lived, asked for again in time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from cloudk8s.client.credentials import Credential
from cloudk8s.client.interface import Client
from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.errors import AlreadyExists, NotFound
from cloudk8s.machinery.clock import Clock

LIFETIME: Final = timedelta(hours=1)
RENEWED_AT: Final = 0.8
"""Share of a token's life after which another one is asked for."""


class ServiceAccountCredentials:
    """See `credentials.Credentials`. `root` may read and create the account, and create its tokens."""

    def __init__(self, root: Client, name: str, namespace: str, *, clock: Clock) -> None:
        self._root = root
        self._name = name
        self._namespace = namespace
        self._clock = clock
        self._credential: Credential | None = None
        self._renewed: datetime | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> Credential:
        async with self._lock:
            if self._credential is None or self._renewed is None or self._clock.now() >= self._renewed:
                await self._renew()
            assert self._credential is not None
            return self._credential

    def reject(self) -> None:
        self._credential = None

    async def _renew(self) -> None:
        spec = {"expirationSeconds": int(LIFETIME.total_seconds())}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        await self._ensure_account()
        answer = await self._root.create(
            SERVICE_ACCOUNTS, request, namespace=self._namespace, name=self._name, subresource="token"
        )
        now, status = self._clock.now(), answer["status"]
        life = datetime.fromisoformat(status["expirationTimestamp"]) - now
        self._credential = Credential(f"Bearer {status['token']}")
        self._renewed = now + life * RENEWED_AT

    async def _ensure_account(self) -> None:
        try:
            await self._root.get(SERVICE_ACCOUNTS, self._name, namespace=self._namespace)
        except NotFound:
            made = {"metadata": {"name": self._name, "namespace": self._namespace}}
            try:
                await self._root.create(SERVICE_ACCOUNTS, made, namespace=self._namespace)
            except AlreadyExists:
                return
