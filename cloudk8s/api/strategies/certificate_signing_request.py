"""CertificateSigningRequests."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class CertificateSigningRequestStrategy(BuiltinStrategy):
    """The CertificateSigningRequest kind: who asks is the server's to say, the spec never changes."""

    namespaced = False
    has_status = True
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        if not spec.get("usages") and obj.get("apiVersion") != "certificates.k8s.io/v1":
            spec["usages"] = ["digital signature", "key encipherment"]
        self.default_status(obj)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"spec.signerName": (obj.get("spec") or {}).get("signerName", "")}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"spec.signerName"})
