"""PersistentVolumeClaimResize: a claim grows only where its class says that volumes can."""

from __future__ import annotations

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.api.validation.core.claim import CLASS_ANNOTATION
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.machinery.quantity import parse

_UNABLE = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


class PersistentVolumeClaimResize(AdmissionPlugin):
    """Upstream's plugin of that name."""

    name = "PersistentVolumeClaimResize"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        is_claim = resource.plural == "persistentvolumeclaims" and not resource.group
        return is_claim and not subresource and operation == "UPDATE"

    def validate(self, request: AdmissionRequest) -> None:
        new, old = request.obj, request.old
        assert new is not None
        assert old is not None
        if parse(_size(new)).nanos <= parse(_size(old)).nanos:
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            reason = "only bound persistent volume claims can be expanded"
            raise failures.forbidden(request.resource, request.name, reason)
        if not self._can_grow(new, old):
            raise failures.forbidden(request.resource, request.name, _UNABLE)

    def _can_grow(self, new: Object, old: Object) -> bool:
        name = _class_of(new)
        if not name or name != _class_of(old):
            return False
        found = self.core.find("storage.k8s.io", "storageclasses", name)
        return bool(found and found.get("allowVolumeExpansion"))


def _size(claim: Object) -> str:
    requests = (claim["spec"].get("resources") or {}).get("requests") or {}
    return str(requests.get("storage", "0"))


def _class_of(claim: Object) -> str:
    annotations = claim["metadata"].get("annotations") or {}
    return str(annotations.get(CLASS_ANNOTATION) or claim["spec"].get("storageClassName") or "")
