"""A Service becomes a classic load balancer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.cloud.stack.balancing import mark, owner_of
from cloudk8s.cloud.stack.resource import Ref, Resource, Stack
from cloudk8s.plugin import LoadBalancerRequest, ServicePort, Unsupported
from cloudk8s_aws.instances import provider_id
from cloudk8s_aws.load_balancers.model import SERVICE_TAG, Environment
from cloudk8s_aws.load_balancers.naming import resource_name
from cloudk8s_aws.load_balancers.rules import frontend_rules
from cloudk8s_aws.load_balancers.values import Annotations, wrong
from cloudk8s_aws.ownership import cluster_tag

BACKENDS = ("", "http", "https", "ssl", "tcp")
TYPE = "classic-load-balancer"


def scheme_of(request: LoadBalancerRequest) -> str:
    """Internal where `internal` says anything but "false"."""
    older = Annotations.of(request.annotations).text("internal")
    return "internal" if older and older != "false" else "internet-facing"


def build_classic(request: LoadBalancerRequest, environment: Environment, *, probe: str) -> Stack:
    """A security group and a load balancer that holds everything else."""
    given = Annotations.of(request.annotations)
    _refuse(request)
    service = request.service
    tags = {
        **environment.tags, **given.pairs("additional-resource-tags"), cluster_tag(request.cluster): "owned",
        SERVICE_TAG: f"{service.namespace}/{service.name}",
    }  # fmt: skip
    own = [*given.words("security-groups")]
    groups = [] if own or environment.fixed_group else [_group(request, environment, tags)]
    chosen: list[Any] = own or [environment.fixed_group] * bool(environment.fixed_group)
    chosen += [*(Ref(group.key) for group in groups), *given.words("extra-security-groups")]
    if environment.backend_group and not environment.fixed_group:
        chosen.append(environment.backend_group)
    scheme = scheme_of(request)
    name = resource_name(service.name, service.uid, request.cluster, "classic", scheme)
    proxied = given.choice("proxy-protocol", ("", "*"), "") == "*"
    listeners = [_listener(given, port) for port in request.ports]
    properties = {
        "name": name, "scheme": scheme, "subnets": list(environment.subnets), "security_groups": chosen,
        "listeners": listeners, "tls": _tls(given, listeners),
        "health_check": _health(given, request, probe), "members": _members(request), "tags": tags,
        "attributes": _attributes(given), "proxy_ports": [port.node_port for port in request.ports] if proxied else [],
    }  # fmt: skip
    balancer = Resource(TYPE, f"{TYPE}/{name}", properties)
    resources = [*groups, balancer]
    return Stack(owner_of(request.cluster, service), (*resources, mark(request, resources, balancer=Ref(balancer.key))))


def _refuse(request: LoadBalancerRequest) -> None:
    if any(port.protocol != "TCP" for port in request.ports):
        raise Unsupported("spec.ports", "a classic load balancer knows TCP only")
    if request.session_affinity != "None":
        raise Unsupported("spec.sessionAffinity", "a classic load balancer has no session affinity for TCP")


def _group(request: LoadBalancerRequest, environment: Environment, tags: Mapping[str, str]) -> Resource:
    service = request.service
    name = resource_name(service.name, service.uid, request.cluster, "frontend")
    properties = {
        "name": name, "description": f"Load balancer of {service}", "vpc": environment.vpc,
        "rules": frontend_rules(request), "tags": tags,
    }  # fmt: skip
    return Resource("security-group", "security-group", properties)


def _listener(given: Annotations, port: ServicePort) -> dict[str, Any]:
    """Protocols as upstream chooses them: the certificate encrypts the front, the annotation names the back."""
    certificate, backend = given.text("ssl-cert"), given.choice("backend-protocol", BACKENDS, "")
    ports = given.words("ssl-ports")
    secured = bool(certificate) and (not ports or "*" in ports or bool({str(port.port), port.name} & set(ports)))
    front, back = "TCP", "TCP"
    if secured:
        front, back = ("HTTPS" if backend in ("http", "https") else "SSL"), (backend or "tcp").upper()
    elif backend == "http":
        front, back = "HTTP", "HTTP"
    return {
        "protocol": front, "port": port.port, "instance_protocol": back, "instance_port": port.node_port,
        "certificate": certificate if secured else "",
    }  # fmt: skip


def _tls(given: Annotations, listeners: Sequence[Mapping[str, Any]]) -> list[str]:
    """`port=policy` of every listener that ends TLS, where a policy is named."""
    policy = given.text("ssl-negotiation-policy")
    return [f"{entry['port']}={policy}" for entry in listeners if entry["certificate"]] if policy else []


def _health(given: Annotations, request: LoadBalancerRequest, probe: str) -> dict[str, Any]:
    check = request.health_check
    if request.traffic_policy == "Local" or probe == "shared":
        protocol, port, path = "HTTP", str(check.port), check.path
    else:
        secured = given.text("backend-protocol") in ("https", "ssl")
        protocol, port, path = "SSL" if secured else "TCP", str(request.ports[0].node_port), ""
    protocol = given.choice("healthcheck-protocol", ("", "tcp", "http", "https", "ssl"), "").upper() or protocol
    port, path = given.text("healthcheck-port", port), given.text("healthcheck-path", path or "/")
    if port == "traffic-port":
        port = str(request.ports[0].node_port)
    if not port.isdigit():
        raise wrong("healthcheck-port", f"{port!r} is neither traffic-port nor a port number")
    return {
        "target": f"{protocol}:{port}" + (path if protocol in ("HTTP", "HTTPS") else ""),
        "interval": given.number("healthcheck-interval", 10, 5, 300),
        "timeout": given.number("healthcheck-timeout", 5, 2, 60),
        "unhealthy": given.number("healthcheck-unhealthy-threshold", 6, 2, 10),
        "healthy": given.number("healthcheck-healthy-threshold", 2, 2, 10),
    }


def _attributes(given: Annotations) -> dict[str, Any]:
    logs = given.flag("access-log-enabled")
    log: dict[str, Any] = {"Enabled": logs}
    if logs:
        if not given.text("access-log-s3-bucket-name"):
            raise wrong("access-log-s3-bucket-name", "access logs need a bucket")
        log |= {
            "S3BucketName": given.text("access-log-s3-bucket-name"),
            "S3BucketPrefix": given.text("access-log-s3-bucket-prefix"),
            "EmitInterval": int(given.choice("access-log-emit-interval", ("5", "60"), "60")),
        }
    draining: dict[str, Any] = {"Enabled": given.flag("connection-draining-enabled")}
    if draining["Enabled"]:
        draining["Timeout"] = given.number("connection-draining-timeout", 300, 1, 3600)
    return {
        "AccessLog": log,
        "ConnectionDraining": draining,
        "ConnectionSettings": {"IdleTimeout": given.number("connection-idle-timeout", 60, 1, 4000)},
        "CrossZoneLoadBalancing": {"Enabled": given.flag("cross-zone-load-balancing-enabled")},
    }


def _members(request: LoadBalancerRequest) -> list[str]:
    known = (provider_id.parse(node.provider_id) for node in request.nodes)
    return sorted(entry.instance for entry in known if entry is not None and entry.instance)
