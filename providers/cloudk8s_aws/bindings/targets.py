"""Which targets a binding wants. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, spec_of
from cloudk8s.cloud.controllers.node_reference import node_ref
from cloudk8s.cloud.controllers.service_nodes import takes_traffic
from cloudk8s.machinery import labels
from cloudk8s.plugin import PodTarget, Unsupported
from cloudk8s_aws.instances import provider_id


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """One binding's whole desired state."""

    uid: str
    arn: str
    name: str
    """Of the target group, where no ARN is given."""
    targets: frozenset[str]
    """`id:port`."""
    known: frozenset[str] | None = None
    """With several clusters on one target group: the only targets that may be taken out."""


def wanted_targets(
    binding: Object, service: Object | None, pods: Iterable[PodTarget], nodes: Iterable[Object], *, target_type: str
) -> frozenset[str]:
    """The targets; none while there is no Service. Raises Unsupported for a port that the Service has not."""
    if service is None:
        return frozenset()
    port = _port_of(service, spec_of(binding)["serviceRef"]["port"])
    if target_type == "ip":
        single = len(spec_of(service)["ports"]) == 1
        names = {port.get("name") or "", ""} if single else {port.get("name")}
        return frozenset(f"{pod.address}:{pod.port}" for pod in pods if pod.service_port in names)
    number = int(port.get("nodePort") or 0)
    if not number:
        raise Unsupported("spec.serviceRef", "the Service's port has no node port; use targetType: ip")
    chosen = (node for node in nodes if takes_traffic(node) and _selects(binding, node))
    parsed = (provider_id.parse(node_ref(node).provider_id) for node in chosen)
    return frozenset(f"{entry.instance}:{number}" for entry in parsed if entry is not None and entry.instance)


def _selects(binding: Object, node: Object) -> bool:
    selector = spec_of(binding).get("nodeSelector")
    return selector is None or labels.from_object(selector).matches(labels_of(node))


def _port_of(service: Object, port: Any) -> Mapping[str, Any]:
    for entry in spec_of(service).get("ports") or ():
        if port in (entry["port"], str(entry["port"]), entry.get("name") or None):
            found: Mapping[str, Any] = entry
            return found
    raise Unsupported("spec.serviceRef.port", f"the Service has no port {port}")
