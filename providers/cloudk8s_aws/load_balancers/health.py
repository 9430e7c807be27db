"""How targets are probed: the defaults of each traffic policy, and what annotations change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.plugin import LoadBalancerRequest
from cloudk8s_aws.load_balancers.values import Annotations, wrong

TRAFFIC_PORT = "traffic-port"


@dataclass(frozen=True, slots=True)
class HealthOptions:
    """A health check as ELBv2 knows it."""

    protocol: str = "HTTP"
    port: str = "10256"
    path: str = "/healthz"
    interval: int = 10
    timeout: int = 6
    healthy: int = 2
    unhealthy: int = 2
    codes: str = ""

    def as_property(self) -> Mapping[str, Any]:
        """As the target group's property; TCP has neither path nor codes."""
        check: dict[str, Any] = {
            "protocol": self.protocol, "port": self.port, "interval": self.interval, "timeout": self.timeout,
            "healthy": self.healthy, "unhealthy": self.unhealthy,
        }  # fmt: skip
        return check if self.protocol == "TCP" else check | {"path": self.path, "codes": self.codes or "200-399"}


def health_options(given: Annotations, request: LoadBalancerRequest, *, probe: str) -> HealthOptions:
    """Local: the Service's own health port. Cluster: the proxy's (`shared`) or the node port (`per-port`)."""
    base = _defaults(request, probe)
    protocol = given.choice("healthcheck-protocol", ("tcp", "http", "https", "TCP", "HTTP", "HTTPS"), base.protocol)
    port = given.text("healthcheck-port", base.port)
    if port != TRAFFIC_PORT and not (port.isdigit() and 0 < int(port) < 65536):
        raise wrong("healthcheck-port", f"{port!r} is neither {TRAFFIC_PORT} nor a port number")
    path = given.text("healthcheck-path", base.path) or "/"
    if not path.startswith("/"):
        raise wrong("healthcheck-path", f"{path!r} does not start with /")
    return HealthOptions(
        protocol=protocol.upper(),
        port=port,
        path=path,
        interval=given.number("healthcheck-interval", base.interval, 5, 300),
        timeout=given.number("healthcheck-timeout", base.timeout, 2, 120),
        healthy=given.number("healthcheck-healthy-threshold", base.healthy, 2, 10),
        unhealthy=given.number("healthcheck-unhealthy-threshold", base.unhealthy, 2, 10),
        codes=given.text("healthcheck-success-codes"),
    )


def _defaults(request: LoadBalancerRequest, probe: str) -> HealthOptions:
    check = request.health_check
    if request.traffic_policy == "Local":
        return HealthOptions("HTTP", str(check.port), check.path)
    if probe == "shared":
        return HealthOptions("HTTP", str(check.port), check.path)
    return HealthOptions("TCP", TRAFFIC_PORT, "/", interval=30, timeout=10, healthy=3, unhealthy=3)
