"""Who may approve and who may sign requests for certificates, and what the API server's own signer never signs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import ClassVar, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from cloudk8s.api.field_errors import quoted
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.authentication.user import MASTERS
from cloudk8s.apiserver.authorization.interface import Attributes, Decision

_GROUP: Final = "certificates.k8s.io"
_PLURAL: Final = "certificatesigningrequests"
_CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
Authorize = Callable[[Attributes], Decision]


class SignerPermission(AdmissionPlugin):
    """Who acts on a request needs a verb on its signer, by name or by the signer's whole domain."""

    verb: ClassVar[str]
    subresource: ClassVar[str]

    def __init__(self) -> None:
        self.authorize: Authorize | None = None
        """Set when the access rules are known; None lets everything pass."""

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return (resource.plural, subresource, operation) == (_PLURAL, self.subresource, "UPDATE")

    def validate(self, request: AdmissionRequest) -> None:
        assert request.old is not None
        assert request.obj is not None
        # The stored signer counts: a writer must not choose one that is easier to please.
        signer = (request.old.get("spec") or {}).get("signerName") or ""
        if self.authorize is None or not self._acts(request.obj, request.old) or self._may(request, signer):
            return
        reason = f"user not permitted to {self.verb} requests with signerName {quoted(signer)}"
        raise failures.forbidden(request.resource, request.name, reason)

    def _acts(self, new: Object, old: Object) -> bool:
        return True

    def _may(self, request: AdmissionRequest, signer: str) -> bool:
        assert self.authorize is not None
        names = (signer, f"{signer.partition('/')[0]}/*")
        wanted = (Attributes(request.user, self.verb, _GROUP, "*", "signers", name=name) for name in names)
        return any(self.authorize(attributes).is_allowed for attributes in wanted)


class CertificateApproval(SignerPermission):
    """Upstream's plugin of that name."""

    name = "CertificateApproval"
    verb: ClassVar[str] = "approve"
    subresource: ClassVar[str] = "approval"


class CertificateSigning(SignerPermission):
    """Upstream's plugin of that name: for the certificate and the conditions."""

    name = "CertificateSigning"
    verb: ClassVar[str] = "sign"
    subresource: ClassVar[str] = "status"

    def _acts(self, new: Object, old: Object) -> bool:
        after, before = new.get("status") or {}, old.get("status") or {}
        return any((after.get(field) or None) != (before.get(field) or None) for field in ("certificate", "conditions"))


class CertificateSubjectRestriction(AdmissionPlugin):
    """Upstream's plugin of that name: nobody gets to be an administrator by asking the client signer."""

    name = "CertificateSubjectRestriction"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return (resource.plural, subresource, operation) == (_PLURAL, "", "CREATE")

    def validate(self, request: AdmissionRequest) -> None:
        spec = (request.obj or {}).get("spec") or {}
        if spec.get("signerName") != _CLIENT_SIGNER:
            return
        asked = x509.load_pem_x509_csr(base64.b64decode(spec["request"]))
        organizations = asked.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        if any(attribute.value == MASTERS for attribute in organizations):
            reason = f"use of {_CLIENT_SIGNER} signer with {MASTERS} group is not allowed"
            raise failures.forbidden(request.resource, request.name, reason)
