"""Who may do what: the authenticator and the authorizer behind two calls."""

from __future__ import annotations

from typing import Protocol

from cryptography import x509
from cryptography.x509.oid import NameOID

from cloudk8s.apiserver.authentication import UserInfo
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


class CertificateSecurity:
    """Client certificates name the user; members of system:masters may do everything, others nothing."""

    def authenticate(self, request: Request, info: RequestInfo) -> UserInfo:
        local = getattr(request.connection, "user", None)
        if isinstance(local, UserInfo):
            return local
        known = request.connection.memo.get("user")
        if isinstance(known, UserInfo):
            return known
        certificate = request.connection.peer_certificate
        user = _from_certificate(certificate) if certificate else _ANONYMOUS
        request.connection.memo["user"] = user
        return user

    def authorize(self, context: RequestContext, verb: str) -> None:
        if not _is_trusted(context.user):
            info = context.info
            raise Forbidden(f'{info.resource} is forbidden: User "{context.user.name}" cannot {verb} it')

    def authorize_path(self, context: RequestContext, method: str) -> None:
        if not _is_trusted(context.user) and context.info.path not in _PUBLIC:
            raise Forbidden(f'forbidden: User "{context.user.name}" cannot {method.lower()} path "{context.info.path}"')


_ANONYMOUS = UserInfo("system:anonymous", groups=("system:unauthenticated",))
_PUBLIC = frozenset({"/livez", "/readyz", "/healthz", "/version"})


def _is_trusted(user: UserInfo) -> bool:
    return "system:masters" in user.groups


def _from_certificate(certificate: bytes) -> UserInfo:
    subject = x509.load_der_x509_certificate(certificate).subject
    name = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    groups = tuple(str(item.value) for item in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    return UserInfo(name, groups=(*groups, "system:authenticated"))
