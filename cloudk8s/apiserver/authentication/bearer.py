"""Bearer tokens: taken from the header, shown to every kind of token authenticator, and remembered while good."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from cloudk8s.apiserver.authentication.interface import TokenAuthenticator, Verified
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.http.interface import Request
from cloudk8s.errors import Unauthorized
from cloudk8s.machinery.clock import Clock

_MEMO = "bearer"
_REMEMBERED = 10_000
_LONGEST = 10.0
"""Seconds after which a token is looked at again even if it says that it is good for longer: upstream's time."""
_WEBSOCKET_PREFIX = "base64url.bearer.authorization.k8s.io."

Known = tuple[str, UserInfo, float]


class BearerAuthenticator:
    """Fulfils `Authenticator` with token authenticators."""

    def __init__(
        self, tokens: Sequence[TokenAuthenticator], *, api_audiences: Sequence[str] = (), clock: Clock
    ) -> None:
        self._tokens = tuple(tokens)
        self._audiences = tuple(api_audiences)
        self._clock = clock
        self._known: dict[bytes, tuple[UserInfo, float]] = {}

    def authenticate(self, request: Request) -> UserInfo | None:
        header = request.headers.get("authorization") or ""
        if not header and "sec-websocket-protocol" not in request.headers:
            return None
        memo, now = request.connection.memo, self._clock.monotonic()
        known = memo.get(_MEMO)
        if isinstance(known, tuple) and known[0] == header and header and now < known[2]:
            user: UserInfo = known[1]
            return user
        token = _from_header(header) or _from_websocket(request)
        if not token:
            return None
        user, until = self._remembered(token, now)
        memo[_MEMO] = (header, user, until)
        return user

    def verify(self, token: str, audiences: tuple[str, ...]) -> Verified:
        """Look at a token now, nothing remembered; raises Unauthorized."""
        failures = []
        for authenticator in self._tokens:
            try:
                verified = authenticator.verify(token, audiences)
            except Unauthorized as failure:
                failures.append(failure.message)
                continue
            if verified is not None:
                return replace(verified, user=verified.user.authenticated())
        reasons = ["invalid bearer token", *failures]
        raise Unauthorized(reasons[0] if len(reasons) == 1 else f"[{', '.join(reasons)}]")

    @property
    def api_audiences(self) -> tuple[str, ...]:
        """Whom tokens must be for that are shown to this server."""
        return self._audiences

    def _remembered(self, token: str, now: float) -> tuple[UserInfo, float]:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is None or known[1] <= now:
            verified = self.verify(token, self._audiences)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[digest] = (verified.user, now + min(verified.good_for, _LONGEST))
        return known


def _from_header(header: str) -> str:
    parts = header.strip().split(" ", 2)
    return parts[1] if len(parts) > 1 and parts[0].lower() == "bearer" else ""


def _from_websocket(request: Request) -> str:
    """Browsers cannot set headers on WebSockets; upstream takes the token from a subprotocol."""
    if request.headers.get("upgrade", "").lower() != "websocket":
        return ""
    for value in request.headers.get("sec-websocket-protocol", "").split(","):
        protocol = value.strip()
        if protocol.startswith(_WEBSOCKET_PREFIX):
            encoded = protocol[len(_WEBSOCKET_PREFIX) :]
            try:
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise Unauthorized("invalid bearer token") from error
    return ""
