"""For authors of admission plugins, authenticators and authorizers: what each may implement, and what it gets to see.

An admission plugin derives from `AdmissionPlugin`. An authenticator fulfils `Authenticator` (looks at requests) or
`TokenAuthenticator` (looks at bearer tokens). An authorizer fulfils `Authorizer`. Factories are called without
arguments, once, when the API server starts; all methods are called on its event loop and must not block.
"""

from __future__ import annotations

from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.authentication.interface import Authenticator, TokenAuthenticator, Verified
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.authorization.interface import ALLOWED, NO_OPINION, Attributes, Authorizer, Decision
from cloudk8s.apiserver.failures import forbidden
from cloudk8s.apiserver.http.interface import Request
from cloudk8s.errors import Unauthorized

__all__ = [
    "ALLOWED", "NO_OPINION", "AdmissionPlugin", "AdmissionRequest", "Attributes", "Authenticator", "Authorizer",
    "Decision", "Operation", "Request", "TokenAuthenticator", "Unauthorized", "UserInfo", "Verified", "forbidden",
]  # fmt: skip
