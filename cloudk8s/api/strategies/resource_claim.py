"""ResourceClaims and ResourceClaimTemplates."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.devices.claims import check_claim_kept, check_claim_spec


class ResourceClaimStrategy(BuiltinStrategy):
    """The ResourceClaim kind."""

    has_status = True
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        default_claim_spec(spec_of(obj))
        self.default_status(obj)

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_claim_spec(errors, "spec", obj["spec"])
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_claim_kept(errors, "spec", new["spec"], old["spec"], "ResourceClaimSpec")


class ResourceClaimTemplateStrategy(BuiltinStrategy):
    """The ResourceClaimTemplate kind: its spec never changes."""

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec.setdefault("metadata", {})
        default_claim_spec(spec.setdefault("spec", {}))

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        meta = obj["spec"].get("metadata") or {}
        errors += metadata.validate_annotations(meta.get("annotations") or {}, "spec.metadata.annotations")
        errors += metadata.validate_labels(meta.get("labels") or {}, "spec.metadata.labels")
        check_claim_spec(errors, "spec.spec", obj["spec"].get("spec") or {})
        return errors

    def check_changes(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_claim_kept(errors, "spec", new["spec"], old["spec"], "ResourceClaimTemplateSpec")


def default_claim_spec(spec: dict[str, Any]) -> None:
    devices = spec.setdefault("devices", {})
    for request in devices.get("requests") or ():
        if (exactly := request.get("exactly")) is not None:
            _default_request(exactly)
        for choice in request.get("firstAvailable") or ():
            _default_request(choice)


def _default_request(request: dict[str, Any]) -> None:
    request["allocationMode"] = request.get("allocationMode") or "ExactCount"
    if request["allocationMode"] == "ExactCount":
        request["count"] = request.get("count") or 1
    for toleration in request.get("tolerations") or ():
        toleration["operator"] = toleration.get("operator") or "Equal"
