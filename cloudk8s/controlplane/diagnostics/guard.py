"""Who may see the pages: everybody some, those whom the API server vouches for and allows the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cloudk8s.apiserver.authorization.refusal import forbidden_object, quoted
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.client.delegation import Delegation, Path, User
from cloudk8s.errors import StatusError, Unauthorized
from cloudk8s.machinery import codec

PRIVILEGED: Final = "system:masters"
"""Whoever is in this group may everything, and nobody is asked."""

Pages = Callable[[Request], Response | Awaitable[Response]]


class Guard:
    """Lets those requests through to the pages that may be answered."""

    def __init__(
        self, pages: Pages, authentication: Delegation, authorization: Delegation, always_allowed: Sequence[str]
    ) -> None:
        self._pages, self._authentication, self._authorization = pages, authentication, authorization
        self._always_allowed = tuple(f"/{path.lstrip('/')}" for path in always_allowed)

    async def __call__(self, request: Request) -> Response:
        try:
            if not self._is_open(request.path):
                await self._check(request)
            found = self._pages(request)
            return found if isinstance(found, Response) else await found
        except StatusError as error:
            return Response(error.code, codec.encode(error.status), headers=[("X-Content-Type-Options", "nosniff")])

    def _is_open(self, path: str) -> bool:
        return any(
            path.startswith(allowed[:-1]) if allowed.endswith("*") else path == allowed
            for allowed in self._always_allowed
        )

    async def _check(self, request: Request) -> None:
        """Return if the request may go on. Raises Unauthorized and Forbidden."""
        user = await self._authentication.user_of(request)
        if user is None:
            raise Unauthorized("Unauthorized")
        verb = request.method.lower()
        if not await self._may(user, Path(verb, request.path)):
            text = f"User {quoted(user.name)} cannot {verb} path {quoted(request.path)}"
            raise forbidden_object("", "", "", text)

    async def _may(self, user: User, what: Path) -> bool:
        return PRIVILEGED in user.groups or await self._authorization.allows(user, what)
