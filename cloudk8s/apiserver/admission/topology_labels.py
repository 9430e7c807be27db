"""PodTopologyLabels: pods carry the zone and the region of their node."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.admission.pod_plugins import is_pod

_LABELS: Final = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")
_GATE: Final = "PodTopologyLabelsAdmission"


class PodTopologyLabels(AdmissionPlugin):
    """Upstream's plugin of that name; the labels of a Binding become those of its pod."""

    name = "PodTopologyLabels"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        is_on = self.core.registry.features.is_on(_GATE)
        return is_on and is_pod(resource) and subresource in ("", "binding") and operation == "CREATE"

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        found = self._labels_of(_node_of(request.obj, request.subresource))
        if found:
            metadata = request.obj["metadata"]
            metadata["labels"] = (metadata.get("labels") or {}) | found

    def _labels_of(self, node_name: str) -> dict[str, str]:
        node = self.core.find("", "nodes", node_name) if node_name else None
        labels = (node["metadata"].get("labels") or {}) if node else {}
        return {key: labels[key] for key in _LABELS if key in labels}


def _node_of(obj: Object, subresource: str) -> str:
    place = obj.get("target") if subresource else obj.get("spec")
    return str((place or {}).get("name" if subresource else "nodeName") or "")
