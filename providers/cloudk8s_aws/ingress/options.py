"""The annotations of Ingresses as typed options: of the load balancer, and of one target group. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, key_of, spec_of
from cloudk8s.machinery.codec import DecodeError, decode
from cloudk8s_aws.ingress.group import PREFIX, IngressGroup
from cloudk8s_aws.load_balancers.health import TRAFFIC_PORT, HealthOptions
from cloudk8s_aws.load_balancers.values import Annotations

KNOWN = frozenset({
    "group.name", "group.order", "scheme", "target-type", "listen-ports", "ssl-redirect", "certificate-arn",
    "ssl-policy", "subnets", "security-groups", "inbound-cidrs", "ip-address-type", "load-balancer-name",
    "load-balancer-attributes", "target-group-attributes", "tags", "backend-protocol", "backend-protocol-version",
    "healthcheck-protocol", "healthcheck-port", "healthcheck-path", "healthcheck-interval-seconds",
    "healthcheck-timeout-seconds", "healthy-threshold-count", "unhealthy-threshold-count", "success-codes",
    "manage-backend-security-group-rules", "target-node-labels", "auth-type", "auth-idp-oidc", "auth-idp-cognito",
    "auth-on-unauthenticated-request", "auth-scope", "auth-session-cookie", "auth-session-timeout", "wafv2-acl-arn",
})  # fmt: skip
PER_BACKEND = ("actions.", "conditions.")
NO_ACL = "none"
"""Takes the firewall away; no annotation at all leaves it as it is."""
DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"


@dataclass(frozen=True, slots=True)
class AlbOptions:
    """What a group asks of its load balancer; every member may say it, and no two may disagree."""

    name: str = ""
    scheme: str = "internal"
    ip_address_type: str = "ipv4"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    manage_node_rules: bool = True
    inbound: tuple[str, ...] = ("0.0.0.0/0",)
    ports: Mapping[int, str] = field(default_factory=dict, hash=False)
    """HTTP or HTTPS, by port."""
    redirect_to: int = 0
    certificates: tuple[str, ...] = ()
    """Empty with HTTPS: those of the account that fit `hosts`."""
    hosts: tuple[str, ...] = ()
    """Names that clients ask for: those of `spec.tls`, else of the rules."""
    ssl_policy: str = DEFAULT_POLICY
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    web_acl: str = ""
    """ARN of the firewall's rules, `none`, or nothing."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """How the targets of one backend are reached and probed; a Service's annotations win over the Ingress's."""

    target_type: str = "instance"
    protocol: str = "HTTP"
    protocol_version: str = "HTTP1"
    health: HealthOptions = field(default_factory=HealthOptions)
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    node_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


def alb_options(group: IngressGroup) -> AlbOptions:
    """Merge and check. Raises Unsupported, which names the annotation."""
    given = _merged(group.members)
    named = (arn for entry in group.members for arn in _given(entry).words("certificate-arn"))
    certificates = tuple(dict.fromkeys(named))
    ports = _ports(group.members, secure=bool(certificates))
    redirect = given.number("ssl-redirect", 0, 1, 65535)
    if redirect and ports.get(redirect) != "HTTPS":
        raise given.wrong("ssl-redirect", f"there is no HTTPS listener on port {redirect}")
    own_groups = given.words("security-groups")
    return AlbOptions(
        name=_name(given),
        scheme=given.choice("scheme", ("internal", "internet-facing"), "internal"),
        ip_address_type=given.choice("ip-address-type", ("ipv4", "dualstack"), "ipv4"),
        subnets=given.words("subnets"),
        security_groups=own_groups,
        manage_node_rules=given.flag("manage-backend-security-group-rules", default=not own_groups),
        inbound=given.words("inbound-cidrs") or ("0.0.0.0/0",),
        ports=dict(sorted(ports.items())),
        redirect_to=redirect,
        certificates=certificates,
        hosts=_hosts(group.members),
        ssl_policy=given.text("ssl-policy", DEFAULT_POLICY),
        attributes=given.pairs("load-balancer-attributes"),
        tags=given.pairs("tags"),
        web_acl=_web_acl(given),
        warnings=tuple(_warnings(group.members)),
    )


def target_options(ingress: Object, service: Object) -> TargetOptions:
    """Read both. Raises Unsupported, which names the annotation."""
    values = {**_given(ingress).values, **_given(service).values}
    given = Annotations(values, PREFIX)
    protocol = given.choice("backend-protocol", ("HTTP", "HTTPS"), "HTTP")
    return TargetOptions(
        target_type=given.choice("target-type", ("instance", "ip"), "instance"),
        protocol=protocol,
        protocol_version=given.choice("backend-protocol-version", ("HTTP1", "HTTP2", "GRPC"), "HTTP1"),
        health=_health(given, protocol),
        attributes=given.pairs("target-group-attributes"),
        node_labels=given.pairs("target-node-labels"),
        tags=given.pairs("tags"),
    )


def json_of(given: Annotations, name: str, default: Any) -> Any:
    """An annotation that holds JSON."""
    text = given.text(name)
    try:
        return decode(text.encode()) if text else default
    except DecodeError as error:
        raise given.wrong(name, f"this is no JSON: {error}") from error


def _given(entry: Object) -> Annotations:
    return Annotations.of(annotations_of(entry), PREFIX)


def _merged(members: Iterable[Object]) -> Annotations:
    """What the members say together. Raises Unsupported where two disagree."""
    found: dict[str, tuple[str, str]] = {}
    for entry in members:
        given = _given(entry)
        for name, value in given.values.items():
            if name not in SHARED:
                continue
            other, told = found.setdefault(name, (value, key_of(entry)))
            if other != value:
                raise given.wrong(name, f"{key_of(entry)} says {value!r}, and {told} of the same group {other!r}")
    return Annotations({name: value for name, (value, _) in found.items()}, PREFIX)


SHARED = frozenset({
    "scheme", "ssl-redirect", "ssl-policy", "subnets", "security-groups", "inbound-cidrs", "ip-address-type",
    "load-balancer-name", "load-balancer-attributes", "tags", "manage-backend-security-group-rules", "wafv2-acl-arn",
})  # fmt: skip
"""Options of the load balancer; listen ports and certificates add up instead."""


def _ports(members: Sequence[Object], *, secure: bool) -> dict[int, str]:
    """The ports of all members; the usual one where none is named."""
    found = {number: kind for entry in members for number, kind in _listen_ports(_given(entry)).items()}
    secure = secure or any(spec_of(entry).get("tls") for entry in members)
    return found or ({443: "HTTPS"} if secure else {80: "HTTP"})


def _hosts(members: Sequence[Object]) -> tuple[str, ...]:
    secured = [host for entry in members for tls in spec_of(entry).get("tls") or () for host in tls.get("hosts") or ()]
    ruled = [rule["host"] for entry in members for rule in spec_of(entry).get("rules") or () if rule.get("host")]
    return tuple(dict.fromkeys(secured or ruled))


def _listen_ports(given: Annotations) -> dict[int, str]:
    ports: dict[int, str] = {}
    listed = json_of(given, "listen-ports", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise given.wrong("listen-ports", 'it is a list, such as [{"HTTP": 80}, {"HTTPS": 443}]')
    for entry in listed:
        for kind, number in entry.items():
            if kind not in ("HTTP", "HTTPS") or not isinstance(number, int) or not 0 < number < 65536:
                raise given.wrong("listen-ports", f'{kind}: {number} is none; write [{{"HTTP": 80}}, {{"HTTPS": 443}}]')
            ports[number] = kind
    return ports


def _name(given: Annotations) -> str:
    name = given.text("load-balancer-name")
    if name and (len(name) > 32 or not name.replace("-", "").isalnum() or name.startswith(("-", "internal-"))):
        raise given.wrong("load-balancer-name", f"{name!r} is no name: at most 32 letters, digits and hyphens")
    return name


def _web_acl(given: Annotations) -> str:
    acl = given.text("wafv2-acl-arn")
    if acl and acl != NO_ACL and not acl.startswith("arn:"):
        raise given.wrong("wafv2-acl-arn", f"{acl!r} is neither an ARN nor {NO_ACL}")
    return acl


def _health(given: Annotations, protocol: str) -> HealthOptions:
    port = given.text("healthcheck-port", TRAFFIC_PORT)
    if port != TRAFFIC_PORT and not (port.isdigit() and 0 < int(port) < 65536):
        raise given.wrong("healthcheck-port", f"{port!r} is neither {TRAFFIC_PORT} nor a port number")
    return HealthOptions(
        protocol=given.choice("healthcheck-protocol", ("HTTP", "HTTPS"), protocol), port=port,
        path=given.text("healthcheck-path", "/") or "/",
        interval=given.number("healthcheck-interval-seconds", 15, 5, 300),
        timeout=given.number("healthcheck-timeout-seconds", 5, 2, 120),
        healthy=given.number("healthy-threshold-count", 2, 2, 10),
        unhealthy=given.number("unhealthy-threshold-count", 2, 2, 10), codes=given.text("success-codes", "200"),
    )  # fmt: skip


def _warnings(members: Sequence[Object]) -> Iterable[str]:
    for entry in members:
        for name in sorted(_given(entry).values):
            if name not in KNOWN and not name.startswith(PER_BACKEND):
                yield f"annotation {PREFIX}{name} is not known, and has no effect"
