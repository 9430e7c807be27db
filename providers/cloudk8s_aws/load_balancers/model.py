"""Service, options and environment become a stack. Pure: equal inputs give an equal stack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.balancing import mark, owner_of
from cloudk8s.cloud.stack.resource import Ref, Resource, Stack
from cloudk8s.plugin import LoadBalancerRequest, ServicePort, Unsupported
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.load_balancers.certificates import in_order
from cloudk8s_aws.load_balancers.naming import resource_name
from cloudk8s_aws.load_balancers.options import NlbOptions
from cloudk8s_aws.load_balancers.rules import frontend_rules
from cloudk8s_aws.ownership import cluster_tag

SERVICE_TAG = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the model needs to know of the account."""

    vpc: str
    subnets: tuple[str, ...]
    backend_group: str = ""
    """The group that all load balancers share and that nodes let in; empty where nothing is managed."""
    fixed_group: str = ""
    """A group from the settings, in place of generated ones."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


def build_nlb(request: LoadBalancerRequest, options: NlbOptions, environment: Environment) -> Stack:
    """A security group, a load balancer, and a listener with a target group for each port."""
    tags = _tags(request, options, environment)
    groups = _groups(request, options, environment, tags)
    targets, listeners = [], []
    balancer = _balancer(request, options, environment, groups, tags)
    for port, ports in _by_number(request).items():
        target = _target_group(request, options, environment, ports, tags)
        targets.append(target)
        listeners.append(_listener(options, ports, port, balancer.key, target.key))
    resources = [*groups, *targets, balancer, *listeners]
    stack = (*resources, mark(request, resources, balancer=Ref(balancer.key)))
    return Stack(owner_of(request.cluster, request.service), stack)


def members(request: LoadBalancerRequest, options: NlbOptions, port: ServicePort) -> list[str]:
    """`id:port` of every target of a port."""
    if options.target_type == "ip":
        wanted = {port.name, ""} if len(request.ports) == 1 else {port.name}
        return sorted(f"{pod.address}:{pod.port}" for pod in request.pods if pod.service_port in wanted)
    known = (provider_id.parse(node.provider_id) for node in request.nodes)
    return sorted(f"{entry.instance}:{port.node_port}" for entry in known if entry is not None and entry.instance)


def without_instance(request: LoadBalancerRequest) -> list[str]:
    """Names of nodes that can't be targets, because they are no instances of EC2."""
    parsed = {node.name: provider_id.parse(node.provider_id) for node in request.nodes}
    return [name for name, entry in parsed.items() if entry is None or not entry.instance]


def _by_number(request: LoadBalancerRequest) -> Mapping[int, Sequence[ServicePort]]:
    """Ports by number: a network load balancer has one listener for each."""
    grouped: dict[int, list[ServicePort]] = defaultdict(list)
    for port in request.ports:
        grouped[port.port].append(port)
    for number, ports in grouped.items():
        if len({port.node_port for port in ports}) > 1:
            text = f"port {number} has TCP and UDP with different node ports; AWS needs the same one for both"
            raise Unsupported("spec.ports", text)
    return grouped


def _groups(
    request: LoadBalancerRequest, options: NlbOptions, environment: Environment, tags: Mapping[str, str]
) -> list[Resource]:
    if options.security_groups or environment.fixed_group:
        return []
    service = request.service
    name = resource_name(service.name, service.uid, request.cluster, "frontend")
    properties = {
        "name": name, "description": f"Load balancer of {service}", "vpc": environment.vpc,
        "rules": frontend_rules(request), "tags": tags,
    }  # fmt: skip
    return [Resource("security-group", "security-group", properties)]


def _balancer(
    request: LoadBalancerRequest, options: NlbOptions, environment: Environment, groups: Sequence[Resource],
    tags: Mapping[str, str],
) -> Resource:  # fmt: skip
    service = request.service
    name = options.name or resource_name(service.name, service.uid, request.cluster, "nlb", options.scheme)
    chosen: list[Any] = list(options.security_groups) or [environment.fixed_group] * bool(environment.fixed_group)
    chosen += [Ref(group.key) for group in groups]
    if environment.backend_group and options.manage_node_rules and not environment.fixed_group:
        chosen.append(environment.backend_group)
    properties: dict[str, Any] = {
        "name": name, "type": "network", "scheme": options.scheme, "ip_address_type": options.ip_address_type,
        "subnets": _mappings(options, environment.subnets), "security_groups": chosen, "tags": tags,
    }  # fmt: skip
    properties |= {f"attribute:{key}": value for key, value in options.attributes.items()}
    return Resource("load-balancer", f"load-balancer/{name}", properties)


def _mappings(options: NlbOptions, subnets: Sequence[str]) -> list[dict[str, str]]:
    """Where it stands, with fixed addresses where they were asked for."""
    fixed = (
        ("AllocationId", options.allocations),
        ("PrivateIPv4Address", options.private_addresses),
        ("IPv6Address", options.ipv6_addresses),
    )
    for name, values in fixed:
        if values and len(values) != len(subnets):
            raise Unsupported("metadata.annotations", f"{name}: {len(values)} entries for {len(subnets)} subnets")
    return [
        {"SubnetId": subnet} | {name: values[number] for name, values in fixed if values}
        for number, subnet in enumerate(subnets)
    ]


def _target_group(
    request: LoadBalancerRequest, options: NlbOptions, environment: Environment, ports: Sequence[ServicePort],
    tags: Mapping[str, str],
) -> Resource:  # fmt: skip
    port, check = ports[0], options.health
    protocol = _target_protocol(options, ports)
    number = port.node_port if options.target_type == "instance" else 1
    family = "ipv6" if options.target_type == "ip" and request.ip_families[0] == "IPv6" else "ipv4"
    fixed = (number, protocol, options.target_type, environment.vpc, family, check.protocol, check.interval)
    service = request.service
    name = resource_name(service.name, service.uid, request.cluster, port.port, *fixed)
    properties: dict[str, Any] = {
        "name": name, "protocol": protocol, "port": number, "vpc": environment.vpc,
        "target_type": options.target_type, "ip_address_type": family, "health_check": check.as_property(),
        "members": members(request, options, port), "tags": tags,
    }  # fmt: skip
    properties |= {f"attribute:{key}": value for key, value in options.target_attributes.items()}
    return Resource("target-group", f"target-group/{port.port}-{name[-10:]}", properties)


def _listener(options: NlbOptions, ports: Sequence[ServicePort], number: int, balancer: str, target: str) -> Resource:
    tls = any(options.is_tls(port) for port in ports)
    protocol = "TLS" if tls else _transport(ports)
    properties: dict[str, Any] = {
        "load_balancer": Ref(balancer), "port": number, "protocol": protocol, "target_group": Ref(target),
        "certificates": in_order(options.certificates) if tls else [],
    }  # fmt: skip
    if tls and options.ssl_policy:
        properties["ssl_policy"] = options.ssl_policy
    if tls and options.alpn:
        properties["alpn"] = options.alpn
    return Resource("listener", f"listener/{number}", properties)


def _target_protocol(options: NlbOptions, ports: Sequence[ServicePort]) -> str:
    if any(options.is_tls(port) for port in ports):
        return "TLS" if options.tls_to_targets else "TCP"
    return _transport(ports)


def _transport(ports: Sequence[ServicePort]) -> str:
    return "_".join(sorted({port.protocol for port in ports}))


def _tags(request: LoadBalancerRequest, options: NlbOptions, environment: Environment) -> Mapping[str, str]:
    """Tags for people and other tools; the engine adds those of ownership, which always win."""
    service = request.service
    fixed = {cluster_tag(request.cluster): "owned", SERVICE_TAG: f"{service.namespace}/{service.name}"}
    return {**environment.tags, **options.tags, **fixed}
