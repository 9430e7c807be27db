"""The annotations of a Service as typed options of a network load balancer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudk8s.plugin import LoadBalancerRequest, ServicePort
from cloudk8s_aws.load_balancers.health import HealthOptions, health_options
from cloudk8s_aws.load_balancers.values import Annotations, wrong

NLB_CLASS = "service.k8s.aws/nlb"
NLB_TYPES = ("", "nlb", "nlb-ip", "external")
CLASSIC_TYPES = ("clb", "classic", "elb")
KNOWN = frozenset({
    "type", "internal", "scheme", "subnets", "security-groups", "ssl-cert", "ssl-ports", "ssl-negotiation-policy",
    "backend-protocol", "proxy-protocol", "access-log-enabled", "access-log-s3-bucket-name",
    "access-log-s3-bucket-prefix", "attributes", "cross-zone-load-balancing-enabled", "additional-resource-tags",
    "healthcheck-protocol", "healthcheck-port", "healthcheck-path", "healthcheck-healthy-threshold",
    "healthcheck-unhealthy-threshold", "healthcheck-timeout", "healthcheck-interval", "healthcheck-success-codes",
    "target-group-attributes", "eip-allocations", "private-ipv4-addresses", "ipv6-addresses", "target-node-labels",
    "nlb-target-type", "ip-address-type", "name", "alpn-policy", "manage-backend-security-group-rules",
})  # fmt: skip
CLASSIC_ONLY = frozenset({
    "access-log-emit-interval", "connection-draining-enabled", "connection-draining-timeout", "connection-idle-timeout",
})  # fmt: skip
TARGET_ATTRIBUTES = frozenset({
    "preserve_client_ip.enabled", "proxy_protocol_v2.enabled", "deregistration_delay.timeout_seconds",
    "deregistration_delay.connection_termination.enabled", "stickiness.enabled", "stickiness.type",
    "load_balancing.cross_zone.enabled", "target_health_state.unhealthy.connection_termination.enabled",
    "target_health_state.unhealthy.draining_interval_seconds",
    "target_group_health.dns_failover.minimum_healthy_targets.count",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
})  # fmt: skip
BOOLEAN_ATTRIBUTES = ("preserve_client_ip.enabled", "proxy_protocol_v2.enabled", "stickiness.enabled")
ALPN = ("", "None", "HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred")


@dataclass(frozen=True, slots=True)
class NlbOptions:
    """What the annotations ask for, with the defaults filled in."""

    name: str = ""
    scheme: str = "internet-facing"
    target_type: str = "instance"
    ip_address_type: str = "ipv4"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    manage_node_rules: bool = True
    certificates: tuple[str, ...] = ()
    tls_ports: tuple[str, ...] = ()
    ssl_policy: str = ""
    alpn: str = ""
    tls_to_targets: bool = False
    health: HealthOptions = field(default_factory=HealthOptions)
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    target_attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    allocations: tuple[str, ...] = ()
    private_addresses: tuple[str, ...] = ()
    ipv6_addresses: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def is_tls(self, port: ServicePort) -> bool:
        """Whether a port is to be encrypted; never UDP."""
        if not self.certificates or port.protocol != "TCP":
            return False
        return not self.tls_ports or "*" in self.tls_ports or bool({str(port.port), port.name} & set(self.tls_ports))


def is_classic(request: LoadBalancerRequest) -> bool:
    """Whether the Service asks for a classic load balancer."""
    return Annotations.of(request.annotations).text("type") in CLASSIC_TYPES


def nlb_options(request: LoadBalancerRequest, *, probe: str = "shared") -> NlbOptions:
    """Parse. Raises Unsupported, which names the annotation."""
    given = Annotations.of(request.annotations)
    type_ = given.choice("type", (*NLB_TYPES, *CLASSIC_TYPES), "")
    modern = type_ in ("external", "nlb-ip") or request.load_balancer_class == NLB_CLASS
    tls = given.choice("backend-protocol", ("", "tcp", "ssl", "tls"), "")
    options = NlbOptions(
        name=_name(given),
        scheme=_scheme(given, "internal" if modern else "internet-facing"),
        target_type="ip" if type_ == "nlb-ip" else given.choice("nlb-target-type", ("instance", "ip"), "instance"),
        ip_address_type=_address_type(given, request),
        subnets=given.words("subnets"),
        security_groups=given.words("security-groups"),
        manage_node_rules=given.flag("manage-backend-security-group-rules", default=True),
        certificates=given.words("ssl-cert"),
        tls_ports=given.words("ssl-ports"),
        ssl_policy=given.text("ssl-negotiation-policy"),
        alpn=given.choice("alpn-policy", ALPN, ""),
        tls_to_targets=tls in ("ssl", "tls"),
        health=health_options(given, request, probe=probe),
        attributes=_attributes(given),
        target_attributes=_target_attributes(given, request),
        tags=given.pairs("additional-resource-tags"),
        allocations=given.words("eip-allocations"),
        private_addresses=given.words("private-ipv4-addresses"),
        ipv6_addresses=given.words("ipv6-addresses"),
        warnings=_warnings(given),
    )
    return _checked(options)


def _scheme(given: Annotations, default: str) -> str:
    """`scheme` wins; `internal` is upstream's older way: anything but "false" and nothing means yes."""
    if given.text("scheme"):
        return given.choice("scheme", ("internal", "internet-facing"), default)
    older = given.text("internal")
    return default if not older else "internet-facing" if older == "false" else "internal"


def _name(given: Annotations) -> str:
    name = given.text("name")
    if name and (len(name) > 32 or not name.replace("-", "").isalnum() or name.startswith(("-", "internal-"))):
        raise wrong("name", f"{name!r} is no name: at most 32 letters, digits and hyphens, not starting with internal-")
    return name


def _address_type(given: Annotations, request: LoadBalancerRequest) -> str:
    if given.text("ip-address-type"):
        return given.choice("ip-address-type", ("ipv4", "dualstack"), "ipv4")
    return "dualstack" if "IPv6" in request.ip_families else "ipv4"


def _attributes(given: Annotations) -> Mapping[str, str]:
    """The load balancer's attributes; what has an annotation of its own is always written, so it also goes back."""
    logs = given.flag("access-log-enabled")
    cross = given.flag("cross-zone-load-balancing-enabled")
    attributes = {
        "load_balancing.cross_zone.enabled": str(cross).lower(),
        "access_logs.s3.enabled": str(logs).lower(),
    }
    if logs:
        bucket = given.text("access-log-s3-bucket-name")
        if not bucket:
            raise wrong("access-log-s3-bucket-name", "access logs need a bucket")
        attributes["access_logs.s3.bucket"] = bucket
        attributes["access_logs.s3.prefix"] = given.text("access-log-s3-bucket-prefix")
    return attributes | given.pairs("attributes")


def _target_attributes(given: Annotations, request: LoadBalancerRequest) -> Mapping[str, str]:
    attributes = given.pairs("target-group-attributes")
    if unknown := sorted(set(attributes) - TARGET_ATTRIBUTES):
        raise wrong("target-group-attributes", f"there is no attribute {unknown[0]!r}")
    for name in BOOLEAN_ATTRIBUTES:
        if attributes.get(name, "true") not in ("true", "false"):
            raise wrong("target-group-attributes", f"{name} is true or false, not {attributes[name]!r}")
    if attributes.get("preserve_client_ip.enabled") == "false" and any(p.protocol == "UDP" for p in request.ports):
        raise wrong("target-group-attributes", "preserve_client_ip.enabled can't be false with UDP")
    if given.choice("proxy-protocol", ("", "*"), "") == "*":
        attributes["proxy_protocol_v2.enabled"] = "true"
    if request.session_affinity == "ClientIP":
        attributes |= {"stickiness.enabled": "true", "stickiness.type": "source_ip"}
    return {"proxy_protocol_v2.enabled": "false", "stickiness.enabled": "false"} | attributes


def _warnings(given: Annotations) -> tuple[str, ...]:
    ineffective = sorted(CLASSIC_ONLY & given.values.keys())
    unknown = sorted(given.values.keys() - KNOWN - CLASSIC_ONLY)
    texts = [f"annotation aws-load-balancer-{name} has no effect on a network load balancer" for name in ineffective]
    return (*texts, *(f"annotation aws-load-balancer-{name} is not known" for name in unknown))


def _checked(options: NlbOptions) -> NlbOptions:
    for name, values in (
        ("eip-allocations", options.allocations),
        ("private-ipv4-addresses", options.private_addresses),
        ("ipv6-addresses", options.ipv6_addresses),
    ):
        if values and options.subnets and len(values) != len(options.subnets):
            raise wrong(name, f"{len(values)} entries for {len(options.subnets)} subnets; there must be one for each")
    if options.allocations and options.scheme == "internal":
        raise wrong("eip-allocations", "an internal load balancer has no elastic addresses")
    if options.private_addresses and options.scheme != "internal":
        raise wrong("private-ipv4-addresses", "only an internal load balancer has chosen private addresses")
    if options.alpn and not options.certificates:
        raise wrong("alpn-policy", "ALPN needs TLS: set ssl-cert")
    return options
