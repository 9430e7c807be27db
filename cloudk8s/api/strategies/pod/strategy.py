"""The Pod kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy
from cloudk8s.api.strategies.pod import prepare
from cloudk8s.api.strategies.pod.defaults import default_pod
from cloudk8s.api.strategies.pod.quality import quality_of_service
from cloudk8s.api.strategies.pod.warnings import annotation_warnings, pod_warnings
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.pod.known import KnownSpecs
from cloudk8s.api.validation.pod.pod import validate_pod_create
from cloudk8s.api.validation.pod.resize import validate_resize
from cloudk8s.api.validation.pod.status import validate_pod_status_update
from cloudk8s.api.validation.pod.update import validate_ephemeral_containers, validate_pod_update

SELECTABLE = frozenset(
    {
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    }
)


class PodStrategy(SpecStatusStrategy):
    """Pods: the status is the kubelet's, the spec is almost immutable; specs that were looked at are remembered."""

    def __init__(self) -> None:
        self._known = KnownSpecs()

    def set_defaults(self, obj: Object) -> None:
        default_pod(obj)

    def prepare_create(self, obj: Object) -> None:
        prepare.prepare_create(obj)

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        prepare.prepare_update(new, old, subresource)

    def spec_changed(self, new: Object, old: Object) -> bool:
        return bool(new.get("spec") != old.get("spec"))

    def check_create(self, obj: Object) -> list[FieldError]:
        return validate_pod_create(obj, self._known)

    def validate_update(self, new: Object, old: Object, subresource: str = "") -> list[FieldError]:
        errors = metadata.validate_common_update(new, old, namespaced=True)
        if subresource == "status":
            return errors + validate_pod_status_update(new, old)
        if subresource == "ephemeralcontainers":
            return errors + validate_ephemeral_containers(new, old, self._known)
        if subresource == "resize":
            quality = quality_of_service(new["spec"])
            before = (old.get("status") or {}).get("qosClass") or quality_of_service(old["spec"])
            return errors + validate_resize(new, old, self._known, quality=quality, quality_before=before)
        return errors + validate_pod_update(new, old, self._known)

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """Only on creation: pods are updated by machines, and often."""
        if old is not None:
            return []
        if self._known.is_recognized(new["spec"]):
            return annotation_warnings(new["metadata"], new["spec"])
        return pod_warnings(new["metadata"], new["spec"])

    def known_parts(self, obj: Object) -> Object:
        return {"spec": obj["spec"]} if self._known.recognize(obj["spec"]) else {}

    def note_usual(self, obj: Object) -> None:
        self._known.note_usual(obj["spec"])

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        ips = status.get("podIPs") or ()
        return {
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.restartPolicy": spec.get("restartPolicy", ""),
            "spec.schedulerName": spec.get("schedulerName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
            "status.phase": status.get("phase", ""),
            "status.podIP": _first_ip(ips) or status.get("podIP", ""),
            "status.podIPs": _first_ip(ips),
            "status.nominatedNodeName": status.get("nominatedNodeName", ""),
        }

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return SELECTABLE


def _first_ip(ips: Any) -> str:
    return str(ips[0].get("ip", "")) if ips else ""
