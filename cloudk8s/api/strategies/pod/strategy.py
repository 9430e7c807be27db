"""The Pod kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy
from cloudk8s.api.strategies.pod import prepare
from cloudk8s.api.strategies.pod.defaults import default_pod

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
    """Pods: the status is the kubelet's, the spec is almost immutable."""

    def set_defaults(self, obj: Object) -> None:
        default_pod(obj)

    def prepare_create(self, obj: Object) -> None:
        prepare.prepare_create(obj)

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        prepare.prepare_update(new, old, subresource)

    def spec_changed(self, new: Object, old: Object) -> bool:
        return bool(new.get("spec") != old.get("spec"))

    def check_create(self, obj: Object) -> list[FieldError]:
        return self.check_metadata(obj)

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
