"""Service-account tokens bound to pods, renewed when a fifth of their life is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, uid_of
from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import parse_time

_LONGEST = timedelta(hours=24)
_REMAINING = 0.2


@dataclass(frozen=True, slots=True)
class Token:
    """A token and how long it holds."""

    text: str
    issued: datetime
    expires: datetime

    def is_fresh(self, now: datetime) -> bool:
        lifetime = self.expires - self.issued
        return now < self.expires - lifetime * _REMAINING and now < self.issued + _LONGEST


class TokenManager:
    """Fulfils `TokenSource`."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._tokens: dict[tuple[str, str, int], Token] = {}

    async def token(self, pod: Object, *, audience: str, expiration_seconds: int) -> str:
        return (await self.issued(pod, audience=audience, expiration_seconds=expiration_seconds)).text

    async def issued(self, pod: Object, *, audience: str, expiration_seconds: int) -> Token:
        """A token that holds for a while yet."""
        key = (uid_of(pod), audience, expiration_seconds)
        known = self._tokens.get(key)
        if known is None or not known.is_fresh(self._clock.now()):
            known = self._tokens[key] = await self._request(pod, audience, expiration_seconds)
        return known

    def forget(self, pod_uid: str) -> None:
        """Drop the tokens of a pod."""
        for key in [key for key in self._tokens if key[0] == pod_uid]:
            del self._tokens[key]

    async def _request(self, pod: Object, audience: str, expiration_seconds: int) -> Token:
        spec = {
            "audiences": [audience] if audience else [],
            "expirationSeconds": expiration_seconds,
            "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": name_of(pod), "uid": uid_of(pod)},
        }
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec}
        account = spec_of(pod).get("serviceAccountName") or "default"
        answer = await self._client.create(
            SERVICE_ACCOUNTS, body, namespace=namespace_of(pod), name=account, subresource="token"
        )
        status = answer["status"]
        return Token(status["token"], self._clock.now(), parse_time(status["expirationTimestamp"]))
