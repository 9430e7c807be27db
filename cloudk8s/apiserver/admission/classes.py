"""The plugins that fill in a class: default storage and ingress classes, runtime classes."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.admission.pod_plugins import is_pod
from cloudk8s.machinery.quantity import parse

_DEFAULT_STORAGE: Final = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_BETA_STORAGE: Final = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_INGRESS: Final = "ingressclass.kubernetes.io/is-default-class"
_OLD_INGRESS: Final = "kubernetes.io/ingress.class"


class DefaultStorageClass(AdmissionPlugin):
    """A claim that names no class gets the default one, the newest where there are several."""

    name = "DefaultStorageClass"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        is_claim = resource.plural == "persistentvolumeclaims" and not resource.group
        return is_claim and not subresource and operation == "CREATE"

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        annotations = request.obj["metadata"].get("annotations") or {}
        spec = request.obj["spec"]
        if "storageClassName" in spec or _BETA_STORAGE in annotations:
            return
        classes = [
            item for item in self.core.few("storage.k8s.io", "storageclasses") if _is_marked(item, *_DEFAULT_STORAGE)
        ]
        if classes:
            newest = max(classes, key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["name"]))
            spec["storageClassName"] = newest["metadata"]["name"]


class DefaultIngressClass(AdmissionPlugin):
    """An ingress that names no class gets the default one; two defaults are a mistake."""

    name = "DefaultIngressClass"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return resource.plural == "ingresses" and not subresource and operation == "CREATE"

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        annotations = request.obj["metadata"].get("annotations") or {}
        if request.obj["spec"].get("ingressClassName") is not None or _OLD_INGRESS in annotations:
            return
        classes = [
            item for item in self.core.few("networking.k8s.io", "ingressclasses") if _is_marked(item, _DEFAULT_INGRESS)
        ]
        if classes:
            newest = max(classes, key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["name"]))
            request.obj["spec"]["ingressClassName"] = newest["metadata"]["name"]


class RuntimeClass(AdmissionPlugin):
    """A pod takes over the overhead and the scheduling rules of its runtime class."""

    name = "RuntimeClass"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return is_pod(resource) and not subresource and operation == "CREATE"

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        found = self._class_of(request)
        if found is None:
            return
        spec = request.obj["spec"]
        overhead = (found.get("overhead") or {}).get("podFixed")
        if overhead and not spec.get("overhead"):
            spec["overhead"] = dict(overhead)
        scheduling = found.get("scheduling") or {}
        selector = dict(spec.get("nodeSelector") or {})
        for key, value in sorted((scheduling.get("nodeSelector") or {}).items()):
            if selector.get(key, value) != value:
                ours, theirs = f"runtimeClass.scheduling.nodeSelector[{key}]", f"pod.spec.nodeSelector[{key}]"
                where = f"{ours} = {value}; {theirs} = {selector[key]}"
                raise failures.forbidden(request.resource, request.name, f"conflict: {where}")
            selector[key] = value
        if selector:
            spec["nodeSelector"] = selector
        if tolerations := scheduling.get("tolerations"):
            present = spec.get("tolerations") or []
            spec["tolerations"] = [*present, *(item for item in tolerations if item not in present)]

    def validate(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        found, spec = self._class_of(request), request.obj["spec"]
        if found is None:
            if spec.get("overhead") and not spec.get("runtimeClassName"):
                reason = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
                raise failures.forbidden(request.resource, request.name, reason)
            return
        wanted, given = (found.get("overhead") or {}).get("podFixed") or {}, spec.get("overhead") or {}
        if given and not wanted:
            reason = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise failures.forbidden(request.resource, request.name, reason)
        if not _same(wanted, given):
            reason = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
            raise failures.forbidden(request.resource, request.name, reason)

    def _class_of(self, request: AdmissionRequest) -> Object | None:
        name = (request.obj or {})["spec"].get("runtimeClassName")
        if not name:
            return None
        found = self.core.find("node.k8s.io", "runtimeclasses", name)
        if found is None:
            raise failures.forbidden(request.resource, request.name, f'pod rejected: RuntimeClass "{name}" not found')
        return found


def _is_marked(obj: Object, *names: str) -> bool:
    annotations = obj["metadata"].get("annotations") or {}
    return any(annotations.get(name) == "true" for name in names)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(parse(one[key]) == parse(other[key]) for key in one)
