"""Bootstrap token Secrets: what they say, and for how long. Shared by what signs with them and what cleans them up."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of
from cloudk8s.machinery.times import TimeError, parse_time

NAMESPACE: Final = "kube-system"
TYPE: Final = "bootstrap.kubernetes.io/token"
_ID: Final = re.compile(r"[a-z0-9]{6}")
_SECRET: Final = re.compile(r"[a-z0-9]{16}")


@dataclass(frozen=True, slots=True)
class BootstrapToken:
    """A token that may sign."""

    id: str
    secret: str


def signing_token(secret: Object, now: datetime) -> BootstrapToken | None:
    """The token of a Secret, if it is whole, has not expired, and is meant for signing."""
    data = _decoded(secret)
    token = BootstrapToken(data.get("token-id", ""), data.get("token-secret", ""))
    is_whole = _ID.fullmatch(token.id) and _SECRET.fullmatch(token.secret)
    if not is_whole or name_of(secret) != f"bootstrap-token-{token.id}":
        return None
    if data.get("usage-bootstrap-signing") != "true" or has_expired(secret, now):
        return None
    return token


def expiry(secret: Object) -> datetime | None:
    """When the token expires; None if never, or if that cannot be read."""
    text = _decoded(secret).get("expiration", "")
    try:
        return parse_time(text) if text else None
    except TimeError:
        return None


def has_expired(secret: Object, now: datetime) -> bool:
    """Whether the token has expired; what cannot be read has."""
    if not _decoded(secret).get("expiration"):
        return False
    moment = expiry(secret)
    return moment is None or moment <= now


def _decoded(secret: Object) -> Mapping[str, str]:
    return {
        name: base64.b64decode(value).decode(errors="replace") for name, value in (secret.get("data") or {}).items()
    }
