"""Who may ask the node for what: asked of the API server, remembered for a while.

A bearer token is checked by TokenReview, a client certificate by the cluster's CA (the TLS layer did); then
SubjectAccessReview decides on `nodes/<subresource>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.apiserver.http.interface import Request
from cloudk8s.client.interface import Client
from cloudk8s.client.resources import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.server import certificate_subject

_TOKEN_SECONDS = 120.0
_ALLOWED_SECONDS, _DENIED_SECONDS = 300.0, 30.0
_MAX_REMEMBERED = 4096
_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SUBRESOURCES = (
    ("/stats", ("stats",)), ("/metrics", ("metrics",)), ("/logs", ("log",)), ("/checkpoint", ("checkpoint",)),
    ("/healthz", ("healthz", "proxy")), ("/configz", ("configz", "proxy")), ("/pods", ("pods", "proxy")),
    ("/runningpods", ("pods", "proxy")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Denied(Exception):
    """The answer is `status` with this text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class DelegatedAuthorization:
    """Asks the API server; one that does not answer means no."""

    def __init__(self, client: Client, node_name: str, *, clock: Clock) -> None:
        self._client, self._node_name, self._clock = client, node_name, clock
        self._users: dict[str, tuple[float, User | None]] = {}
        self._verdicts: dict[tuple[User, str, str], tuple[float, bool]] = {}

    async def check(self, request: Request) -> None:
        """Return if the request may go on; raises Denied."""
        user = await self._user(request)
        if user is None:
            raise Denied(401, "Unauthorized")
        verb = _VERBS.get(request.method, "get")
        for subresource in subresources(request.path):
            if await self._is_allowed(user, verb, subresource):
                return
        asked = subresources(request.path)[0]
        what = f"verb={verb}, resource=nodes, subresource(s)=[{asked}]"
        raise Denied(403, f"Forbidden (user={user.name}, {what})")

    async def _user(self, request: Request) -> User | None:
        certificate = request.connection.peer_certificate
        if certificate is not None:
            return certificate_user(certificate)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return None
        key, now = hashlib.sha256(token.encode()).hexdigest(), self._clock.monotonic()
        known = self._users.get(key)
        if known is None or known[0] < now:
            known = (now + _TOKEN_SECONDS, await self._review_token(token))
            _remember(self._users, key, known)
        return known[1]

    async def _review_token(self, token: str) -> User | None:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "metadata": {},
            "spec": {"token": token},
        }
        try:
            status = (await self._client.create(TOKEN_REVIEWS, body)).get("status") or {}
        except (CloudK8sError, OSError):
            return None
        return _user_of(status["user"]) if status.get("authenticated") else None

    async def _is_allowed(self, user: User, verb: str, subresource: str) -> bool:
        key, now = (user, verb, subresource), self._clock.monotonic()
        known = self._verdicts.get(key)
        if known is None or known[0] < now:
            allowed = await self._review_access(user, verb, subresource)
            known = (now + (_ALLOWED_SECONDS if allowed else _DENIED_SECONDS), allowed)
            _remember(self._verdicts, key, known)
        return known[1]

    async def _review_access(self, user: User, verb: str, subresource: str) -> bool:
        attributes = {
            "verb": verb,
            "version": "v1",
            "resource": "nodes",
            "subresource": subresource,
            "name": self._node_name,
        }
        spec = {
            "resourceAttributes": attributes, "user": user.name, "uid": user.uid, "groups": list(user.groups),
            "extra": {name: list(values) for name, values in user.extra},
        }  # fmt: skip
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec}
        try:
            answer = await self._client.create(SUBJECT_ACCESS_REVIEWS, body)
        except (CloudK8sError, OSError):
            return False
        return bool((answer.get("status") or {}).get("allowed"))


def subresources(path: str) -> tuple[str, ...]:
    """The node subresources that allow a path, the finest first; `proxy` where nothing finer is known."""
    for prefix, found in _SUBRESOURCES:
        if path == prefix or path.startswith(f"{prefix}/"):
            return found
    return ("proxy",)


def certificate_user(der: bytes) -> User:
    """The user of a verified client certificate: its common name, its organizations as groups."""
    names, groups = certificate_subject.names(der)
    return User(names[0] if names else "", groups=(*groups, "system:authenticated"))


def _user_of(user: Mapping[str, Any]) -> User:
    extra = tuple(sorted((name, tuple(values)) for name, values in (user.get("extra") or {}).items()))
    return User(user.get("username", ""), user.get("uid", ""), tuple(user.get("groups") or ()), extra)


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
    if len(memory) >= _MAX_REMEMBERED:
        memory.pop(next(iter(memory)))
    memory[key] = value
