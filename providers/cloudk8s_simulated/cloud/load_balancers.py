"""Load balancers of the simulated cloud: the smallest complete example of a stack."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.cloud.stack.balancing import MARK, StackLoadBalancers, mark, owner_of
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation, ResourceType, Traits
from cloudk8s.cloud.stack.resource import Ref, Resource, Stack
from cloudk8s.plugin import (
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerStatus,
    ServicePort,
    Unsupported,
)
from cloudk8s_simulated.cloud.account import Account
from cloudk8s_simulated.cloud.resource_type import AccountType

SCHEME = "simulated.cloudk8s.io/scheme"
"""Annotation: `internal` or `internet-facing` (the default)."""


def make_load_balancers(account: Account, *, cluster: str, engine: Engine) -> StackLoadBalancers:
    """The contract on the engine, for one account."""
    return StackLoadBalancers(
        cluster=cluster, engine=engine, capabilities=CAPABILITIES, build=build_stack, status=read_status,
        balancer_types=frozenset({"balancer"}), summary_types=frozenset({"balancer", MARK, "group", "listener"}),
        member_types=frozenset({"balancer", "group", "members", MARK}),
    )  # fmt: skip


def resource_types(account: Account) -> Sequence[ResourceType]:
    """What a load balancer is made of, in the order of reference.

    What a part refers to comes before the whole that the part goes with: groups before balancers.
    """
    return (
        AccountType(account, "group", Traits(immutable=frozenset({"protocol", "port"}), api="balancing")),
        AccountType(account, "members", Traits(unordered=frozenset({"targets"}), api="members")),
        AccountType(account, "balancer", Traits(immutable=frozenset({"scheme"}), api="balancing")),
        AccountType(
            account, "listener", Traits(immutable=frozenset({"balancer", "protocol", "port"}), api="balancing")
        ),
        AccountType(account, MARK, Traits(immutable=frozenset({"balancer"}), api="balancing")),
    )


CAPABILITIES = LoadBalancerCapabilities(
    protocols=frozenset({"TCP", "UDP"}), mixed_protocols=True, ip_families=frozenset({"IPv4", "IPv6"}),
    dual_stack=True, source_ranges=True, session_affinity=True, load_balancer_ip=False, max_ports=50, revision="1",
)  # fmt: skip


def build_stack(request: LoadBalancerRequest) -> Stack:
    """A balancer, and for each port a group with its members and a listener. Pure."""
    scheme = request.annotations.get(SCHEME, "internet-facing")
    if scheme not in ("internal", "internet-facing"):
        raise Unsupported(
            f"metadata.annotations[{SCHEME}]", f"{SCHEME}: {scheme!r} is neither internal nor internet-facing"
        )
    name = f"a{request.service.uid.replace('-', '')}"[:32]
    balancer = Resource("balancer", "balancer", {"name": name, "scheme": scheme})
    resources = [balancer]
    for port in request.ports:
        resources += _port(request, port)
    return Stack(
        owner_of(request.cluster, request.service), (*resources, mark(request, resources, balancer=Ref("balancer")))
    )


def read_status(request: LoadBalancerRequest | None, observation: Observation) -> LoadBalancerStatus:
    """The balancer's address, once it is ready."""
    balancer = observation.get("balancer")
    if balancer is None or balancer.state != "ready":
        return LoadBalancerStatus()
    return LoadBalancerStatus((Ingress(ip=str(balancer.attribute("ip")), ip_mode="VIP"),))


def _port(request: LoadBalancerRequest, port: ServicePort) -> Sequence[Resource]:
    suffix = f"{port.protocol.lower()}-{port.port}"
    group = f"group/{suffix}-{port.node_port}"
    check = request.health_check
    targets = sorted(f"{node.provider_id or node.name}:{port.node_port}" for node in request.nodes)
    return (
        Resource(
            "group", group,
            {
                "name": f"{request.service.uid}/{group}", "protocol": port.protocol, "port": port.node_port,
                "check": f"{check.protocol}:{check.port}{check.path}", "affinity": request.session_affinity,
            },
        ),
        Resource("members", f"members/{suffix}-{port.node_port}", {"group": Ref(group), "targets": targets}),
        Resource(
            "listener", f"listener/{suffix}",
            {
                "balancer": Ref("balancer"), "protocol": port.protocol, "port": port.port, "groups": [Ref(group)],
                "sources": list(request.source_ranges),
            },
        ),
    )  # fmt: skip
