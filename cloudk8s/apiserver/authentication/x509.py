"""Client certificates: the common name is the user, organizations are groups.

The TLS layer has verified the chain and the purpose; here the subject is read, once a connection. Connections outlive
certificates: each request is asked whether its own is still good.
"""

from __future__ import annotations

import hashlib
from time import time
from typing import TYPE_CHECKING

from cloudk8s.apiserver.authentication.certificate_uses import CertificateUse, CertificateUses
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.http.interface import Request
from cloudk8s.errors import Unauthorized

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_Known = tuple[UserInfo | None, CertificateUse | None]
_MEMO = "x509-user"
_UID_OID = "1.3.6.1.4.1.57683.2"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


class CertificateAuthenticator:
    """Fulfils `Authenticator`; counts the uses of certificates."""

    def __init__(self, uses: CertificateUses) -> None:
        self._uses = uses

    def authenticate(self, request: Request) -> UserInfo | None:
        line = request.connection
        try:
            known: _Known = line.memo[_MEMO]  # type: ignore[assignment]
        except KeyError:
            known = line.memo[_MEMO] = self._read(line.peer_certificate)
        user, use = known
        if use is not None:
            use.number += 1
            if use.expires < time():
                raise Unauthorized("the client certificate has expired")
        return user

    def _read(self, data: bytes | None) -> _Known:
        if not data:
            return None, None
        from cryptography.x509 import load_der_x509_certificate

        certificate = load_der_x509_certificate(data)
        user = user_of(certificate, data)
        if user is None:
            return None, None
        return user, self._uses.of(data, certificate.not_valid_after_utc.timestamp())


def user_of(certificate: Certificate, data: bytes) -> UserInfo | None:
    """The user that a certificate, `data` in DER, names; None where it has no common name."""
    from cryptography.x509.oid import NameOID, ObjectIdentifier

    subject = certificate.subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names or not names[0].value:
        return None
    groups = tuple(str(each.value) for each in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    uids = subject.get_attributes_for_oid(ObjectIdentifier(_UID_OID))
    uid = str(uids[0].value) if uids else ""
    fingerprint = f"X509SHA256={hashlib.sha256(data).hexdigest()}"
    return UserInfo(str(names[0].value), uid, groups, {CREDENTIAL_ID: (fingerprint,)}).authenticated()
