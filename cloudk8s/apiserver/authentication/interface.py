"""The two contracts of authentication: one for requests, one for bearer tokens.

Both are called for every request that no cache answers, on the event loop: they must not block. A credential of a kind
that an authenticator does not know is None, so that others may look; one that it knows and rejects raises Unauthorized.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.http.interface import Request

Lookup = Callable[[str, str, str, str], Mapping[str, Any] | None]
"""Finds one stored object by group, plural, name and namespace; None where there is none."""


class Authenticator(Protocol):
    """Looks for one kind of credential in a request."""

    def authenticate(self, request: Request) -> UserInfo | None:
        """The user, or None where there is no credential of this kind. Raises Unauthorized for a bad one."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that was found good."""

    user: UserInfo
    audiences: tuple[str, ...]
    """Those of the wanted audiences that the token is for."""
    good_for: float
    """Seconds for which the answer may be remembered."""


class TokenAuthenticator(Protocol):
    """Looks at one kind of bearer token."""

    def verify(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        """Who the token stands for, None for tokens of another kind. Raises Unauthorized for a bad one of its kind."""
