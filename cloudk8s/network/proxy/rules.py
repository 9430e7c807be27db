"""From a Service and its EndpointSlices to rules. Pure: the same objects give the same rules, in any order."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of, name_of, namespace_of, spec_of, status_of
from cloudk8s.network.proxy.model import Family, HealthCheck, Locality, Rule, RuleKey
from cloudk8s.network.proxy.topology import Candidate, cluster_wide, is_usable, local_only, read_candidate

PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
HEADLESS_LABEL = "service.kubernetes.io/headless"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges"
AFFINITY_SECONDS = 10800


def is_proxied(service: Object) -> bool:
    """Whether this proxy is the one to forward the Service: not ExternalName, not headless, not another's."""
    spec, labels = spec_of(service), labels_of(service)
    if spec.get("type") == "ExternalName" or PROXY_NAME_LABEL in labels or HEADLESS_LABEL in labels:
        return False
    return bool(spec.get("clusterIP")) and spec["clusterIP"] != "None"


def rules_of(service: Object, slices: Iterable[Object], where: Locality) -> list[Rule]:
    """The rules of every port of the Service in each of its families."""
    if not is_proxied(service):
        return []
    spec, known = spec_of(service), list(slices)
    addresses = spec.get("clusterIPs") or [spec["clusterIP"]]
    return [
        _rule(service, port, address, _candidates(known, port.get("name") or "", _family(address), where), where)
        for address in addresses
        for port in spec.get("ports") or ()
    ]


def health_check_of(service: Object, slices: Iterable[Object], where: Locality) -> HealthCheck | None:
    """What to answer on the Service's health-check node port, if it has one."""
    spec = spec_of(service)
    port = int(spec.get("healthCheckNodePort") or 0)
    if not port or spec.get("externalTrafficPolicy") != "Local" or not is_proxied(service):
        return None
    ready = {
        endpoint["addresses"][0]
        for item in slices
        for endpoint in item.get("endpoints") or ()
        if endpoint.get("nodeName") in where.nodes and (endpoint.get("conditions") or {}).get("ready") is not False
    }
    return HealthCheck(namespace_of(service), name_of(service), port, len(ready))


def _rule(
    service: Object, port: Mapping[str, Any], address: str, candidates: Sequence[Candidate], where: Locality
) -> Rule:
    spec, family = spec_of(service), _family(address)
    internal_local = spec.get("internalTrafficPolicy") == "Local"
    external_local = spec.get("externalTrafficPolicy") == "Local"
    return Rule(
        key=RuleKey(
            namespace_of(service), name_of(service), port.get("name") or "", port.get("protocol") or "TCP", family
        ),
        cluster_ip=address,
        port=int(port["port"]),
        node_port=int(port.get("nodePort") or 0),
        external_ips=_of_family(spec.get("externalIPs") or (), family),
        load_balancer_ips=_of_family(_load_balancer_ips(service), family),
        source_ranges=_source_ranges(service, family),
        affinity_seconds=_affinity(spec),
        is_internal_local=internal_local,
        is_external_local=external_local,
        cluster=cluster_wide(candidates, where),
        local=local_only(candidates) if internal_local or external_local else (),
        balances=where.balances,
        has_any=any(is_usable(candidate) for candidate in candidates),
    )


def _candidates(slices: Iterable[Object], port_name: str, family: Family, where: Locality) -> list[Candidate]:
    found = []
    for item in slices:
        if item.get("addressType") != family or HEADLESS_LABEL in labels_of(item):
            continue
        for port in item.get("ports") or ():
            if (port.get("name") or "") == port_name and port.get("port"):
                found += [read_candidate(entry, int(port["port"]), where) for entry in item.get("endpoints") or ()]
    return found


def _load_balancer_ips(service: Object) -> list[str]:
    """The balancer's addresses that are its own; traffic to a `Proxy` must really pass through it."""
    if spec_of(service).get("type") != "LoadBalancer":
        return []
    ingress = (status_of(service).get("loadBalancer") or {}).get("ingress") or ()
    return [item["ip"] for item in ingress if item.get("ip") and item.get("ipMode", "VIP") == "VIP"]


def _source_ranges(service: Object, family: Family) -> tuple[str, ...]:
    spec = spec_of(service)
    if spec.get("type") != "LoadBalancer":
        return ()
    ranges = spec.get("loadBalancerSourceRanges") or annotations_of(service).get(RANGES_ANNOTATION, "").split(",")
    networks = [ipaddress.ip_network(text.strip(), strict=False) for text in ranges if text.strip()]
    fitting = sorted(str(network) for network in networks if f"IPv{network.version}" == family)
    return () if any(text.endswith("/0") for text in fitting) else tuple(fitting)


def _affinity(spec: Mapping[str, Any]) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    configured = ((spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}).get("timeoutSeconds")
    return int(configured or AFFINITY_SECONDS)


def _family(address: str) -> Family:
    return "IPv6" if ":" in address else "IPv4"


def _of_family(addresses: Iterable[str], family: Family) -> tuple[str, ...]:
    return tuple(sorted({address for address in addresses if _family(address) == family}))
