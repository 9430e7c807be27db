"""Who asks a component, and whether they may: asked of the API server, remembered for a while.

A bearer token is checked by TokenReview; a client certificate was checked by the TLS layer already. A
SubjectAccessReview decides. An API server that does not answer means no, which is not remembered.

https://kubernetes.io/docs/reference/access-authn-authz/
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from cloudk8s.apiserver.http.interface import Request
from cloudk8s.client import certificate_subject
from cloudk8s.client.interface import Client
from cloudk8s.client.resources import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock

AUTHENTICATED: Final = "system:authenticated"
_MAX_REMEMBERED: Final = 4096

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CacheTimes:
    """For how many seconds an answer holds; the defaults are those of upstream's components."""

    token: float = 10.0
    allowed: float = 10.0
    denied: float = 10.0


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


ANONYMOUS: Final = User("system:anonymous", groups=("system:unauthenticated",))


@dataclass(frozen=True, slots=True)
class Path:
    """What is asked for: a path that is no resource."""

    verb: str
    path: str

    def attributes(self) -> dict[str, Any]:
        return {"nonResourceAttributes": {"path": self.path, "verb": self.verb}}


@dataclass(frozen=True, slots=True)
class OfResource:
    """What is asked for: a subresource of one object."""

    verb: str
    resource: str
    subresource: str
    name: str
    version: str = "v1"

    def attributes(self) -> dict[str, Any]:
        fields = {
            "verb": self.verb, "version": self.version, "resource": self.resource, "subresource": self.subresource,
            "name": self.name,
        }  # fmt: skip
        return {"resourceAttributes": fields}


class Delegation:
    """Asks the API server that `client` talks to."""

    def __init__(self, client: Client, *, clock: Clock, times: CacheTimes = CacheTimes()) -> None:
        self._client, self._clock, self._times = client, clock, times
        self._users: _Memory[str, User | None] = _Memory(clock)
        self._verdicts: _Memory[tuple[User, Path | OfResource], bool] = _Memory(clock)

    async def user_of(self, request: Request) -> User | None:
        """Who a request is from, by its certificate or its token; None for a token that nobody vouches for.

        ANONYMOUS for a request that has neither.
        """
        certificate = request.connection.peer_certificate
        if certificate is not None:
            return certificate_user(certificate)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return await self._user_of_token(token.strip()) if kind.lower() == "bearer" and token else ANONYMOUS

    async def allows(self, user: User, what: Path | OfResource) -> bool:
        """Whether the user may."""
        known = self._verdicts.recall((user, what))
        if known is not None:
            return known[0]
        try:
            allowed = await self._review_access(user, what)
        except (CloudK8sError, OSError) as error:
            _log.warning("%s is not allowed, for the API server cannot be asked: %s", user.name, error)
            return False
        self._verdicts.keep((user, what), allowed, self._times.allowed if allowed else self._times.denied)
        return allowed

    async def _user_of_token(self, token: str) -> User | None:
        key = hashlib.sha256(token.encode()).hexdigest()
        known = self._users.recall(key)
        if known is not None:
            return known[0]
        try:
            user = await self._review_token(token)
        except (CloudK8sError, OSError) as error:
            _log.warning("a token is not accepted, for the API server cannot be asked: %s", error)
            return None
        self._users.keep(key, user, self._times.token)
        return user

    async def _review_token(self, token: str) -> User | None:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "metadata": {},
            "spec": {"token": token},
        }
        status = (await self._client.create(TOKEN_REVIEWS, body)).get("status") or {}
        return _user_of(status["user"]) if status.get("authenticated") else None

    async def _review_access(self, user: User, what: Path | OfResource) -> bool:
        spec = what.attributes() | {
            "user": user.name, "uid": user.uid, "groups": list(user.groups),
            "extra": {name: list(values) for name, values in user.extra},
        }  # fmt: skip
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec}
        answer = await self._client.create(SUBJECT_ACCESS_REVIEWS, body)
        return bool((answer.get("status") or {}).get("allowed"))


def certificate_user(der: bytes) -> User:
    """The user of a verified client certificate: its common name, its organizations as groups."""
    names, groups = certificate_subject.names(der)
    return User(names[0] if names else "", groups=(*groups, AUTHENTICATED))


class _Memory(Generic[K, V]):
    """Answers that hold for a while; the oldest make room for new ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[K, tuple[float, V]] = {}

    def recall(self, key: K) -> tuple[V] | None:
        """The answer in a tuple, for it may be None."""
        known = self._known.get(key)
        return None if known is None or known[0] < self._clock.monotonic() else (known[1],)

    def keep(self, key: K, value: V, seconds: float) -> None:
        if len(self._known) >= _MAX_REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[key] = (self._clock.monotonic() + seconds, value)


def _user_of(user: Mapping[str, Any]) -> User:
    extra = tuple(sorted((name, tuple(values)) for name, values in (user.get("extra") or {}).items()))
    return User(user.get("username", ""), user.get("uid", ""), tuple(user.get("groups") or ()), extra)
