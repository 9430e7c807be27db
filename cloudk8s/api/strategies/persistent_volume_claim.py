"""PersistentVolumeClaims."""

from __future__ import annotations

from cloudk8s.api.features import FeatureGates
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.strategies.claim_warnings import CLASS_WARNING, claim_warnings
from cloudk8s.api.strategies.pod.volume_defaults import default_claim_spec
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.claims import check_claim_spec
from cloudk8s.api.validation.core.claim import CLASS_ANNOTATION, check_claim_changes, check_claim_status

_CORE_SOURCE_KINDS = ("PersistentVolumeClaim",)
_SNAPSHOT = ("snapshot.storage.k8s.io", "VolumeSnapshot")


class PersistentVolumeClaimStrategy(BuiltinStrategy):
    """The PersistentVolumeClaim kind."""

    has_status = True

    def __init__(self, features: FeatureGates) -> None:
        self._crosses_namespaces = features.is_on("CrossNamespaceVolumeDataSource")

    def zero_status(self) -> Object:
        return {"phase": "Pending"}

    def set_defaults(self, obj: Object) -> None:
        default_claim(obj)

    def prepare_create(self, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        spec = obj["spec"]
        drop_unknown_source(spec)
        mirror_data_source(spec, crosses_namespaces=self._crosses_namespaces)

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        super().prepare_update(new, old, subresource)
        if not subresource:
            if "dataSource" not in (old.get("spec") or {}):
                drop_unknown_source(new["spec"])
            mirror_data_source(new["spec"], crosses_namespaces=self._crosses_namespaces)

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.check_create(new)
        errors += metadata.validate_update(new["metadata"], old["metadata"])
        check_claim_changes(errors, new, old)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_claim_spec(errors, "spec", obj["spec"])

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_claim_status(errors, new)

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        annotations = new["metadata"].get("annotations") or {}
        warnings = [CLASS_WARNING] if CLASS_ANNOTATION in annotations else []
        return warnings + claim_warnings("spec", new["spec"])


def default_claim(claim: Object) -> None:
    default_claim_spec(spec_of(claim))
    status = claim.setdefault("status", {})
    status["phase"] = status.get("phase") or "Pending"


def drop_unknown_source(spec: Object) -> None:
    """Only claims and snapshots can be a `dataSource`; anything else is ignored, as it always was."""
    if source := spec.get("dataSource"):
        group, kind = source.get("apiGroup") or "", source.get("kind")
        if not ((group == "" and kind in _CORE_SOURCE_KINDS) or (group, kind) == _SNAPSHOT):
            spec.pop("dataSource")


def mirror_data_source(spec: Object, *, crosses_namespaces: bool) -> None:
    """`dataSource` and `dataSourceRef` say the same, but that only the second can name another namespace."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if reference is not None and reference.get("namespace"):
        if crosses_namespaces:
            return
        spec.pop("dataSourceRef")
        reference = None
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None:
        spec["dataSource"] = dict(reference)
