"""Who may do what: authentication, impersonation and authorization behind three calls."""

from __future__ import annotations

from typing import Protocol

from cloudk8s.apiserver.authentication.chain import AuthenticatorChain
from cloudk8s.apiserver.authentication.impersonation import Impersonated, impersonate
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Request
from cloudk8s.apiserver.request_info import RequestInfo
from cloudk8s.errors import Forbidden


class Security(Protocol):
    """What the server asks before it answers."""

    def authenticate(self, request: Request, info: RequestInfo) -> UserInfo:
        """The user, after impersonation; raises Unauthorized, or Forbidden for a refused impersonation."""

    def authorize(self, context: RequestContext, verb: str) -> None:
        """Raise Forbidden unless the user may use `verb` on the resource of `context.info`."""

    def authorize_path(self, context: RequestContext, method: str) -> None:
        """Raise Forbidden unless the user may use the lower-case method on a path that is no resource."""


class RequestSecurity:
    """Fulfils `Security`; components in this process bring their identity with their connection."""

    def __init__(self, authenticators: AuthenticatorChain) -> None:
        self._authenticators = authenticators

    def authenticate(self, request: Request, info: RequestInfo) -> UserInfo:
        local = getattr(request.connection, "user", None)
        if isinstance(local, UserInfo):
            return local
        user = self._authenticators.authenticate(request)
        return impersonate(user, request.headers, self._check_impersonation)

    def authorize(self, context: RequestContext, verb: str) -> None:
        if not _is_trusted(context.user):
            info = context.info
            raise Forbidden(f'{info.resource} is forbidden: User "{context.user.name}" cannot {verb} it')

    def authorize_path(self, context: RequestContext, method: str) -> None:
        if not _is_trusted(context.user) and context.info.path not in _PUBLIC:
            raise Forbidden(f'forbidden: User "{context.user.name}" cannot {method.lower()} path "{context.info.path}"')

    @staticmethod
    def _check_impersonation(user: UserInfo, wanted: Impersonated) -> None:
        if not _is_trusted(user):
            raise Forbidden(f'{wanted.resource} "{wanted.name}" is forbidden: User "{user.name}" cannot impersonate it')


_PUBLIC = frozenset({"/livez", "/readyz", "/healthz", "/version"})


def _is_trusted(user: UserInfo) -> bool:
    return "system:masters" in user.groups
