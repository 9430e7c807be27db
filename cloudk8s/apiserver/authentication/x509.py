"""Client certificates: the common name is the user, organizations are groups.

The TLS layer has verified the chain and the purpose; here the subject is read, once a connection.
"""

from __future__ import annotations

import hashlib

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.http.interface import Request

_MEMO = "x509-user"
_UID_OID = "1.3.6.1.4.1.57683.2"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


class CertificateAuthenticator:
    """Fulfils `Authenticator`."""

    def authenticate(self, request: Request) -> UserInfo | None:
        memo = request.connection.memo
        if _MEMO not in memo:
            certificate = request.connection.peer_certificate
            memo[_MEMO] = user_of(certificate) if certificate else None
        user = memo[_MEMO]
        return user if isinstance(user, UserInfo) else None


def user_of(certificate: bytes) -> UserInfo | None:
    """The user that a DER certificate names, None where it has no common name."""
    from cryptography.x509 import load_der_x509_certificate
    from cryptography.x509.oid import NameOID, ObjectIdentifier

    subject = load_der_x509_certificate(certificate).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names or not names[0].value:
        return None
    groups = tuple(str(each.value) for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    uids = subject.get_attributes_for_oid(ObjectIdentifier(_UID_OID))
    uid = str(uids[0].value) if uids else ""
    fingerprint = f"X509SHA256={hashlib.sha256(certificate).hexdigest()}"
    return UserInfo(str(names[0].value), uid, groups, {CREDENTIAL_ID: (fingerprint,)}).authenticated()
