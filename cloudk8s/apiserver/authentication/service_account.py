"""Service-account tokens: issue them, and check those that are shown.

A token dies with what it is bound to: its service account and, where it names one, a Pod, Secret or Node.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.apiserver.authentication import user as users
from cloudk8s.apiserver.authentication.interface import Lookup, Verified
from cloudk8s.apiserver.authentication.signing_key import SigningKey, unverified_claims
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.errors import Unauthorized
from cloudk8s.machinery.clock import Clock

DEFAULT_ISSUER = "https://kubernetes.default.svc"
LEEWAY = timedelta(minutes=1)
_POD_NAME = "authentication.kubernetes.io/pod-name"
_POD_UID = "authentication.kubernetes.io/pod-uid"
_NODE_NAME = "authentication.kubernetes.io/node-name"
_NODE_UID = "authentication.kubernetes.io/node-uid"
_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_KINDS = {"pod": "pods", "secret": "secrets", "node": "nodes"}


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that a token is bound to."""

    name: str
    uid: str

    def as_claim(self) -> dict[str, str]:
        return {"name": self.name, "uid": self.uid}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to say; at most one of pod and secret, and the node of the pod or a node alone."""

    namespace: str
    service_account: Reference
    audiences: tuple[str, ...]
    lifetime: timedelta
    pod: Reference | None = None
    secret: Reference | None = None
    node: Reference | None = None
    warn_after: timedelta | None = None
    """After this, use of the token is reported as stale: upstream's stretch of projected tokens to a year."""


class ServiceAccountTokens:
    """Issues tokens, and fulfils `TokenAuthenticator`."""

    def __init__(
        self,
        keys: Sequence[SigningKey],
        lookup: Lookup,
        *,
        issuers: Sequence[str] = (DEFAULT_ISSUER,),
        clock: Clock,
    ) -> None:
        """The first key and the first issuer make tokens; all of them are accepted."""
        self.keys = tuple(keys)
        self._issuers = tuple(issuers)
        self._lookup = lookup
        self._clock = clock

    @property
    def issuer(self) -> str:
        return self._issuers[0]

    def issue(self, grant: Grant) -> tuple[str, datetime]:
        """A token and when it expires."""
        now = self._clock.now()
        issued, expires = int(now.timestamp()), int((now + grant.lifetime).timestamp())
        bound = {"pod": grant.pod, "secret": grant.secret, "node": grant.node}
        kubernetes: dict[str, Any] = {"namespace": grant.namespace}
        kubernetes |= {kind: reference.as_claim() for kind, reference in bound.items() if reference}
        kubernetes["serviceaccount"] = grant.service_account.as_claim()
        if grant.warn_after is not None:
            kubernetes["warnafter"] = int((now + grant.warn_after).timestamp())
        claims = {"aud": list(grant.audiences), "exp": expires, "iat": issued, "iss": self.issuer}
        claims |= {"jti": str(uuid.uuid4()), "kubernetes.io": kubernetes, "nbf": issued}
        claims["sub"] = users.service_account_name(grant.namespace, grant.service_account.name)
        return self.keys[0].sign(claims), datetime.fromtimestamp(expires, now.tzinfo)

    def verify(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        claimed = unverified_claims(token)
        if claimed is None or claimed.get("iss") not in self._issuers:
            return None
        claims = self._verified_claims(token)
        common = self._common_audiences(claims, audiences)
        good_for = self._check_times(claims)
        kubernetes = claims.get("kubernetes.io") or {}
        self._check_bindings(kubernetes)
        return Verified(_user(claims, kubernetes), common, good_for)

    def _verified_claims(self, token: str) -> Mapping[str, Any]:
        for key in self.keys[:-1]:
            try:
                return key.verify(token)
            except Unauthorized:
                continue
        return self.keys[-1].verify(token)

    def _common_audiences(self, claims: Mapping[str, Any], wanted: tuple[str, ...]) -> tuple[str, ...]:
        raw = claims.get("aud") or [self.issuer]
        audiences = [raw] if isinstance(raw, str) else list(raw)
        common = tuple(each for each in wanted if each in audiences)
        if wanted and not common:
            named, target = _quoted(audiences), _quoted(wanted)
            raise Unauthorized(f"token audiences {named} is invalid for the target audiences {target}")
        return common

    def _check_times(self, claims: Mapping[str, Any]) -> float:
        now, leeway = self._clock.now().timestamp(), LEEWAY.total_seconds()
        expires, not_before = float(claims.get("exp", 0)), float(claims.get("nbf", 0))
        if now > expires + leeway:
            raise Unauthorized("service account token has expired")
        if now < not_before - leeway:
            raise Unauthorized("service account token is not valid yet")
        return expires + leeway - now

    def _check_bindings(self, claims: Mapping[str, Any]) -> None:
        namespace, account = claims.get("namespace", ""), claims.get("serviceaccount") or {}
        name = account.get("name", "")
        stored = self._lookup("", "serviceaccounts", name, namespace)
        if stored is None:
            raise Unauthorized(f'serviceaccounts "{name}" not found')
        if self._is_gone(stored):
            raise Unauthorized(f"service account {namespace}/{name} has been deleted")
        if stored["metadata"].get("uid") != account.get("uid"):
            found, claimed = stored["metadata"].get("uid"), account.get("uid")
            raise Unauthorized(f"service account UID ({found}) does not match claim ({claimed})")
        for kind in _KINDS:
            if kind == "node" and "pod" in claims:
                continue  # a pod's token only tells which node the pod was on
            if claims.get(kind):
                self._check_bound(kind, claims[kind], "" if kind == "node" else namespace)

    def _check_bound(self, kind: str, reference: Mapping[str, Any], namespace: str) -> None:
        stored = self._lookup("", _KINDS[kind], reference.get("name", ""), namespace)
        if stored is None or self._is_gone(stored):
            raise Unauthorized("service account token has been invalidated")
        found, claimed = stored["metadata"].get("uid"), reference.get("uid")
        if found != claimed:
            text = f"{kind} UID ({found}) does not match service account {kind} ref claim ({claimed})"
            raise Unauthorized(text)

    def _is_gone(self, stored: Mapping[str, Any]) -> bool:
        """Being deleted since longer than clocks may differ."""
        deleted = stored["metadata"].get("deletionTimestamp")
        return bool(deleted) and datetime.fromisoformat(deleted) < self._clock.now() - LEEWAY


def _user(claims: Mapping[str, Any], kubernetes: Mapping[str, Any]) -> UserInfo:
    namespace, account = kubernetes.get("namespace", ""), kubernetes.get("serviceaccount") or {}
    pod, node = kubernetes.get("pod"), kubernetes.get("node")
    extra: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        extra[_CREDENTIAL_ID] = (f"JTI={claims['jti']}",)
    if node:
        extra |= {_NODE_NAME: (node["name"],), _NODE_UID: (node["uid"],)}
    if pod:
        extra |= {_POD_NAME: (pod["name"],), _POD_UID: (pod["uid"],)}
    name = users.service_account_name(namespace, account.get("name", ""))
    return UserInfo(name, account.get("uid", ""), users.service_account_groups(namespace), extra).authenticated()


def _quoted(values: Sequence[str]) -> str:
    return "[" + " ".join(f'"{value}"' for value in values) + "]"
