"""Services, endpoints, ingresses and what belongs to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import AGE, NAME, NONE, UNSET, Heading, Layout
from cloudk8s.api.printing.text import age_of, joined, label_text, name_of, selector_text
from cloudk8s.api.resource import Object


def _service(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    kind = spec.get("type", "ClusterIP")
    address = (spec.get("clusterIPs") or [""])[0] or spec.get("clusterIP") or NONE
    return [
        name_of(obj),
        kind,
        address,
        _external(obj, kind),
        joined(map(_port, spec.get("ports") or [])),
        age_of(obj, now),
        label_text(spec.get("selector")),
    ]


def _external(obj: Object, kind: str) -> str:
    spec = obj["spec"]
    fixed = spec.get("externalIPs") or []
    if kind == "ExternalName":
        return str(spec.get("externalName") or NONE)
    if kind != "LoadBalancer":
        return joined(fixed)
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    addresses = sorted({item.get("ip") or item.get("hostname") or "" for item in ingress} - {""})
    return joined([*addresses, *fixed], "<pending>")


def _port(port: Object) -> str:
    text = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"])
    return f"{text}/{port.get('protocol', 'TCP')}"


def _endpoints(obj: Object, now: datetime) -> list[Any]:
    texts = []
    for subset in obj.get("subsets") or []:
        for address in subset.get("addresses") or []:
            ports = subset.get("ports") or []
            texts += [_host_port(address["ip"], port["port"]) for port in ports] or [address["ip"]]
    return [name_of(obj), _some(texts), age_of(obj, now)]


def _host_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _some(texts: list[str], most: int = 3) -> str:
    """The first few and how many more there are."""
    if not texts:
        return NONE
    more = f" + {len(texts) - most} more..." if len(texts) > most else ""
    return ",".join(texts[:most]) + more


def _slice(obj: Object, now: datetime) -> list[Any]:
    ports = obj.get("ports")
    numbers = ["*" if port.get("port") is None else str(port["port"]) for port in ports or []]
    addresses = [address for item in obj.get("endpoints") or [] for address in item.get("addresses") or []]
    empty = UNSET
    return [
        name_of(obj),
        obj.get("addressType", ""),
        _some(numbers) if numbers else empty,
        _some(addresses) if addresses else empty,
        age_of(obj, now),
    ]


def _ingress(obj: Object, now: datetime) -> list[Any]:
    spec = obj["spec"]
    hosts = [rule["host"] for rule in spec.get("rules") or [] if rule.get("host")]
    status = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    addresses = sorted(item.get("ip") or item.get("hostname") or "" for item in status)
    return [
        name_of(obj),
        spec.get("ingressClassName") or NONE,
        _some(hosts) if hosts else "*",
        ",".join(address for address in addresses if address),
        "80, 443" if spec.get("tls") else "80",
        age_of(obj, now),
    ]


def _ingress_class(obj: Object, now: datetime) -> list[Any]:
    parameters = obj["spec"].get("parameters")
    text = NONE
    if parameters:
        group = parameters.get("apiGroup")
        kind = f"{parameters['kind']}.{group}" if group else parameters["kind"]
        text = f"{kind}/{parameters['name']}"
    return [name_of(obj), obj["spec"].get("controller", ""), text, age_of(obj, now)]


def _network_policy(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), selector_text(obj["spec"].get("podSelector")), age_of(obj, now)]


def _ip_address(obj: Object, now: datetime) -> list[Any]:
    parent = obj["spec"].get("parentRef") or {}
    group = parent.get("group", "")
    resource = f"{parent.get('resource', '')}.{group}" if group else parent.get("resource", "")
    inside = f"{parent['namespace']}/" if parent.get("namespace") else ""
    return [name_of(obj), f"{resource}/{inside}{parent.get('name', '')}", age_of(obj, now)]


def _service_cidr(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), ",".join(obj["spec"].get("cidrs") or []), age_of(obj, now)]


_CIDRS: Final = (
    '=CIDRs defines the IP blocks in CIDR notation (e.g. "192.168.0.0/24" or "2001:db8::/64") from which to assign '
    "service cluster IPs. Max of two CIDRs is allowed, one of each IP family. This field is immutable."
)

TABLE: Final = {
    ("", "services"): Layout(
        (
            NAME,
            Heading("Type", "spec.type"),
            Heading("Cluster-IP", "spec.clusterIP"),
            Heading("External-IP", "spec.externalIPs"),
            Heading("Port(s)", "spec.ports"),
            AGE,
            Heading("Selector", "spec.selector", priority=1),
        ),
        _service,
    ),
    ("", "endpoints"): Layout((NAME, Heading("Endpoints", "subsets"), AGE), _endpoints),
    ("discovery.k8s.io", "endpointslices"): Layout(
        (
            NAME,
            Heading("AddressType", "addressType"),
            Heading("Ports", "ports"),
            Heading("Endpoints", "endpoints"),
            AGE,
        ),
        _slice,
    ),
    ("networking.k8s.io", "ingresses"): Layout(
        (
            NAME,
            Heading("Class", "=The name of the IngressClass resource that should be used for additional configuration"),
            Heading("Hosts", "=Hosts that incoming requests are matched against before the ingress rule"),
            Heading("Address", "=Address is a list containing ingress points for the load-balancer"),
            Heading("Ports", "=Ports of TLS configurations that open"),
            AGE,
        ),
        _ingress,
    ),
    ("networking.k8s.io", "ingressclasses"): Layout(
        (
            NAME,
            Heading("Controller", "=Controller that is responsible for handling matching Ingresses"),
            Heading("Parameters", "=A reference to a resource with additional parameters"),
            AGE,
        ),
        _ingress_class,
    ),
    ("networking.k8s.io", "networkpolicies"): Layout(
        (NAME, Heading("Pod-Selector", "spec.podSelector"), AGE), _network_policy
    ),
    ("networking.k8s.io", "ipaddresses"): Layout((NAME, Heading("ParentRef", "spec.parentRef"), AGE), _ip_address),
    ("networking.k8s.io", "servicecidrs"): Layout((NAME, Heading("CIDRs", _CIDRS), AGE), _service_cidr),
}
