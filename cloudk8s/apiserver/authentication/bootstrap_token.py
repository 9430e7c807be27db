"""Bootstrap tokens: what a new node joins with. Each is a Secret `bootstrap-token-ID` in `kube-system`."""

from __future__ import annotations

import base64
import hmac
import logging
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudk8s.apiserver.authentication.interface import Lookup, Verified
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.machinery.clock import Clock

log = logging.getLogger(__name__)
SECRET_TYPE = "bootstrap.kubernetes.io/token"
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    """Fulfils `TokenAuthenticator`. What is wrong with a token is for the log, not for the one who shows it."""

    def __init__(self, lookup: Lookup, *, api_audiences: tuple[str, ...] = (), clock: Clock) -> None:
        self._lookup = lookup
        self._api_audiences = api_audiences
        self._clock = clock

    def verify(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        match = _TOKEN.fullmatch(token)
        common = tuple(each for each in audiences if each in self._api_audiences)
        if match is None or (audiences and not common):
            return None
        identifier, secret_part = match.groups()
        secret = self._lookup("", "secrets", f"bootstrap-token-{identifier}", "kube-system")
        if secret is None:
            return None
        data, left = _decoded(secret), self._seconds_left(secret)
        problem = _problem(secret, data, identifier, secret_part)
        if problem or left <= 0:
            log.info("bootstrap token %s was refused: %s", identifier, problem or "it has expired")
            return None
        return Verified(UserInfo(f"system:bootstrap:{identifier}", groups=_groups(data)), common, left)

    def _seconds_left(self, secret: Mapping[str, Any]) -> float:
        text = _decoded(secret).get("expiration", "")
        if not text:
            return float("inf")
        try:
            return (datetime.fromisoformat(text) - self._clock.now()).total_seconds()
        except (ValueError, TypeError):
            return 0.0  # upstream takes an unreadable time for a past one


def _problem(secret: Mapping[str, Any], data: Mapping[str, str], identifier: str, secret_part: str) -> str:
    if secret["metadata"].get("deletionTimestamp"):
        return "its Secret is being deleted"
    if secret.get("type") != SECRET_TYPE:
        return f"its Secret is not of type {SECRET_TYPE}"
    if data.get("token-id") != identifier:
        return "its Secret holds another token-id"
    if not hmac.compare_digest(data.get("token-secret", "").encode(), secret_part.encode()):
        return "the secret part is wrong"
    if data.get("usage-bootstrap-authentication") != "true":
        return "it is not for authentication"
    if any(not _GROUP.fullmatch(group) for group in _extra_groups(data)):
        return "auth-extra-groups has a group outside system:bootstrappers:"
    return ""


def _groups(data: Mapping[str, str]) -> tuple[str, ...]:
    return ("system:bootstrappers", *sorted(set(_extra_groups(data))))


def _extra_groups(data: Mapping[str, str]) -> list[str]:
    return [group for group in data.get("auth-extra-groups", "").split(",") if group]


def _decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: base64.b64decode(value).decode("utf-8", "replace") for key, value in (secret.get("data") or {}).items()
    }
