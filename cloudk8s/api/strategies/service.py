"""Services: ports, addresses, policies. Addresses and node ports are allocated by the API server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.api.features import FeatureGates
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.strategies.service_types import drop_useless
from cloudk8s.api.strategies.service_warnings import service_warnings
from cloudk8s.api.validation import metadata, names
from cloudk8s.api.validation.network.load_balancer import check_service_balancer
from cloudk8s.api.validation.network.service import check_service
from cloudk8s.api.validation.network.service_update import check_service_changes

_EXTERNAL_TYPES = ("NodePort", "LoadBalancer")
CLIENT_IP_TIMEOUT_SECONDS = 10800


class ServiceStrategy(BuiltinStrategy):
    """The Service kind."""

    has_status = True
    allow_create_on_update = True

    def __init__(self, features: FeatureGates) -> None:
        self._has_ip_mode = features.is_on("LoadBalancerIPMode")

    def zero_status(self) -> Object:
        return {"loadBalancer": {}}

    def set_defaults(self, obj: Object) -> None:
        self.default_status(obj)
        spec = spec_of(obj)
        spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
        _default_affinity(spec)
        kind = spec["type"] = spec.get("type") or "ClusterIP"
        for port in spec.get("ports") or ():
            port["protocol"] = port.get("protocol") or "TCP"
            if not port.get("targetPort"):
                port["targetPort"] = port.get("port", 0)
        external = kind in _EXTERNAL_TYPES or (kind == "ClusterIP" and spec.get("externalIPs"))
        if external and not spec.get("externalTrafficPolicy"):
            spec["externalTrafficPolicy"] = "Cluster"
        if kind in ("ClusterIP", *_EXTERNAL_TYPES):
            spec.setdefault("internalTrafficPolicy", "Cluster")
        if kind == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)
            if self._has_ip_mode:
                _default_ingress_mode(obj)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        spec = obj.get("spec") or {}
        return {"spec.clusterIP": spec.get("clusterIP", ""), "spec.type": spec.get("type", "")}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"spec.clusterIP", "spec.type"})

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        super().prepare_update(new, old, subresource)
        if not subresource:
            drop_useless(new, old)

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.dns_label

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        check_service_changes(errors, new, old)
        errors += self.check_metadata(new)
        self.check_body(errors, new, old)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_service(errors, obj, old)

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_service_balancer(errors, new.get("status") or {}, new["spec"])

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        return service_warnings(new)


def _default_affinity(spec: dict[str, Any]) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        config.setdefault("timeoutSeconds", CLIENT_IP_TIMEOUT_SECONDS)


def _default_ingress_mode(service: Object) -> None:
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    for ingress in balancer.get("ingress") or ():
        if ingress.get("ip"):
            ingress.setdefault("ipMode", "VIP")
