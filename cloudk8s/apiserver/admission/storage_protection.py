"""StorageObjectInUseProtection: claims and volumes are held by a finalizer from the start."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation

_FINALIZERS: Final = {
    ("", "persistentvolumeclaims"): "kubernetes.io/pvc-protection",
    ("", "persistentvolumes"): "kubernetes.io/pv-protection",
    ("storage.k8s.io", "volumeattributesclasses"): "kubernetes.io/vac-protection",
}


class StorageObjectInUseProtection(AdmissionPlugin):
    """Upstream's plugin of that name."""

    name = "StorageObjectInUseProtection"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return (resource.group, resource.plural) in _FINALIZERS and operation == "CREATE" and not subresource

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        metadata = request.obj["metadata"]
        finalizer = _FINALIZERS[request.resource.group, request.resource.plural]
        present = metadata.get("finalizers") or []
        if finalizer not in present:
            metadata["finalizers"] = [*present, finalizer]
