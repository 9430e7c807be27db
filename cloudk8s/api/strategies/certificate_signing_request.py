"""CertificateSigningRequests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.certificates import DECISIONS, check_request, check_request_changes


class CertificateSigningRequestStrategy(BuiltinStrategy):
    """The CertificateSigningRequest kind: who asks is the server's to say, the spec never changes."""

    namespaced = False
    has_status = True
    checks_own_metadata = False

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

    def validate_name(self) -> Callable[[str], list[str]]:
        return _any_name

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        if subresource in ("status", "approval"):
            self.prepare_status_update(new, old)
            status, before = new.setdefault("status", {}), old.get("status") or {}
            if subresource == "approval":
                new["status"] = before | {"conditions": status.get("conditions") or []}
            elif conditions := status.get("conditions"):
                status["conditions"] = _with_decisions(conditions, before.get("conditions") or ())
            return
        for field in ("spec", "status"):
            new[field] = old.get(field) or {}

    def validate_update(self, new: Object, old: Object, subresource: str = "") -> list[FieldError]:
        errors = metadata.validate_common_update(new, old, namespaced=False)
        check_request(errors, new, old)
        signs, decides = subresource == "status", subresource == "approval"
        check_request_changes(errors, new, old, signs=signs, decides=decides)
        return errors + metadata.validate_update(new["metadata"], old["metadata"])

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_request(errors, obj, old)


def _any_name(name: str) -> list[str]:
    return []


def _with_decisions(conditions: Sequence[Object], before: Sequence[Object]) -> list[Object]:
    """What signers write, with the decisions as approvers left them; more or fewer decisions are refused later."""
    kept = list(conditions)
    for kind in DECISIONS[:2]:
        places = [index for index, item in enumerate(kept) if item.get("type") == kind]
        decided = [item for item in before if item.get("type") == kind]
        if len(places) == len(decided):
            for index, item in zip(places, decided, strict=True):
                kept[index] = item
    return kept
