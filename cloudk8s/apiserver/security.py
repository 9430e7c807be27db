"""Who may do what: authentication, impersonation and authorization behind three calls."""

from __future__ import annotations

from typing import Protocol

from cloudk8s.apiserver.authentication.chain import AuthenticatorChain
from cloudk8s.apiserver.authentication.impersonation import Impersonated, impersonate
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.access import AccessRules
from cloudk8s.apiserver.authorization.interface import Attributes
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Request
from cloudk8s.apiserver.request_info import RequestInfo
from cloudk8s.machinery import fields


class Security(Protocol):
    """What the server asks before it answers."""

    def authenticate(self, request: Request, info: RequestInfo) -> UserInfo:
        """The user, after impersonation; raises Unauthorized, or Forbidden for a refused impersonation."""

    def authorize(self, context: RequestContext, verb: str) -> None:
        """Raise Forbidden unless the user may use `verb` on the resource of `context.info`."""

    def authorize_path(self, context: RequestContext, method: str) -> None:
        """Raise Forbidden unless the user may use the method on a path that is no resource."""


class RequestSecurity:
    """Fulfils `Security`; components in this process bring their identity with their connection."""

    def __init__(self, authenticators: AuthenticatorChain, access: AccessRules) -> None:
        self._authenticators = authenticators
        self._access = access

    def authenticate(self, request: Request, info: RequestInfo) -> UserInfo:
        local = getattr(request.connection, "user", None)
        if isinstance(local, UserInfo):
            return local
        user = self._authenticators.authenticate(request)
        return impersonate(user, request.headers, self._check_impersonation)

    def authorize(self, context: RequestContext, verb: str) -> None:
        self._access.require(attributes_of(context, verb), context.audit)

    def authorize_path(self, context: RequestContext, method: str) -> None:
        self._access.require(path_attributes(context, method), context.audit)

    def _check_impersonation(self, user: UserInfo, wanted: Impersonated) -> None:
        self._access.require(
            Attributes(
                user,
                "impersonate",
                wanted.group,
                wanted.version,
                wanted.resource,
                wanted.subresource,
                wanted.namespace,
                wanted.name,
            )
        )


def attributes_of(context: RequestContext, verb: str) -> Attributes:
    """What a request on a resource asks for; a selector on one name counts as that name."""
    info, name = context.info, context.info.name
    selector = context.query.get("fieldSelector") if verb in ("list", "watch", "deletecollection") else ""
    equalities = _equalities(selector) if selector else ()
    if not name and equalities:
        name = dict(equalities).get("metadata.name", "")
    return Attributes(
        context.user,
        verb,
        info.group,
        info.version,
        info.resource,
        info.subresource,
        info.namespace,
        name,
        field_selector=equalities,
    )


def path_attributes(context: RequestContext, method: str) -> Attributes:
    """What a request on a path that is no resource asks for."""
    return Attributes(context.user, method.lower(), path=context.info.path)


def _equalities(selector: str) -> tuple[tuple[str, str], ...]:
    try:
        terms = fields.parse(selector).terms
    except ValueError:
        return ()  # what is asked for is refused later, in the words for a bad selector
    return tuple((term.field, term.value) for term in terms if not term.is_negated)
