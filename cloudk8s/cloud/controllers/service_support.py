"""What a provider can't do is refused before it is asked, in the same words for every provider. Pure."""

from __future__ import annotations

from cloudk8s.cloud.model.load_balancer import LoadBalancerCapabilities, LoadBalancerRequest
from cloudk8s.errors import Unsupported


def refuse_unsupported(request: LoadBalancerRequest, can: LoadBalancerCapabilities, *, wants_pods: bool) -> None:
    """Raise Unsupported for the first thing that the provider has not declared."""
    if not request.ports:
        raise Unsupported("spec.ports", "a load balancer needs at least one port")
    if can.max_ports and len(request.ports) > can.max_ports:
        raise Unsupported("spec.ports", f"{len(request.ports)} ports, but at most {can.max_ports} are supported")
    _protocols(request, can)
    _families(request, can)
    if request.source_ranges not in (("0.0.0.0/0",), ("0.0.0.0/0", "::/0")) and not can.source_ranges:
        raise Unsupported("spec.loadBalancerSourceRanges")
    if request.session_affinity != "None" and not can.session_affinity:
        raise Unsupported("spec.sessionAffinity", f"session affinity {request.session_affinity} is not supported")
    if request.load_balancer_ip and not can.load_balancer_ip:
        raise Unsupported("spec.loadBalancerIP")
    if request.traffic_policy == "Local" and not can.local_traffic_policy:
        raise Unsupported("spec.externalTrafficPolicy", "externalTrafficPolicy Local is not supported")
    without = [port.port for port in request.ports if not port.node_port]
    if without and not (can.without_node_ports or wants_pods):
        field = "spec.allocateLoadBalancerNodePorts"
        raise Unsupported(field, f"port {without[0]} has no node port, and this provider needs one")


def _protocols(request: LoadBalancerRequest, can: LoadBalancerCapabilities) -> None:
    protocols = {port.protocol for port in request.ports}
    if refused := sorted(protocols - can.protocols):
        raise Unsupported("spec.ports", f"protocol {', '.join(refused)} is not supported")
    if len(protocols) > 1 and not can.mixed_protocols:
        raise Unsupported("spec.ports", f"mixed protocols ({', '.join(sorted(protocols))}) are not supported")


def _families(request: LoadBalancerRequest, can: LoadBalancerCapabilities) -> None:
    if refused := sorted(set(request.ip_families) - can.ip_families):
        raise Unsupported("spec.ipFamilies", f"{', '.join(refused)} is not supported")
    if len(request.ip_families) > 1 and not can.dual_stack:
        raise Unsupported("spec.ipFamilies", "dual stack is not supported")
