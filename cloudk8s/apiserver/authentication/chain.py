"""Authenticators in turn: client certificate, bearer token, what plugins add, and anonymous at last."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cloudk8s.apiserver.authentication.interface import Authenticator
from cloudk8s.apiserver.authentication.user import ANONYMOUS_USER, UserInfo
from cloudk8s.apiserver.http.interface import Request
from cloudk8s.errors import Unauthorized

log = logging.getLogger(__name__)


class AuthenticatorChain:
    """The first authenticator that knows the user wins.

    A bad credential counts only when no other is good. Without any credential the user is anonymous, where that is
    allowed. The answer says nothing about what was wrong; the log does.
    """

    def __init__(self, authenticators: Sequence[Authenticator], *, allow_anonymous: bool = True) -> None:
        self._authenticators = tuple(authenticators)
        self._allow_anonymous = allow_anonymous

    def authenticate(self, request: Request) -> UserInfo:
        """The user of a request; raises Unauthorized."""
        failure: Unauthorized | None = None
        for authenticator in self._authenticators:
            try:
                user = authenticator.authenticate(request)
            except Unauthorized as error:
                failure = error
                continue
            if user is not None:
                return user.authenticated()
        if failure is None and self._allow_anonymous:
            return ANONYMOUS_USER
        log.info("a request was not authenticated: %s", failure or "anonymous requests are not allowed")
        raise Unauthorized("Unauthorized")
