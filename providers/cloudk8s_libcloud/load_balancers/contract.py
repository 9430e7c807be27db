"""The `LoadBalancers` contract on any load-balancer driver: what it can't do is declared, not tried."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from cloudk8s.cloud.stack.balancing import MARK, StackLoadBalancers, mark, owner_of
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation, ResourceType
from cloudk8s.cloud.stack.resource import Ref, Resource, Stack
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.plugin import (
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerStatus,
    NodeRef,
    RetryLater,
    ServicePort,
    SettingsError,
)
from cloudk8s_libcloud.load_balancers.adapter import check_text
from cloudk8s_libcloud.load_balancers.balancer import TYPE, BalancerType, MarkType, key_of
from cloudk8s_libcloud.load_balancers.connection import BalancerDriver
from cloudk8s_libcloud.load_balancers.naming import Listener, balancer_name
from cloudk8s_libcloud.load_balancers.traits import BalancerTraits
from cloudk8s_libcloud.nodes import id_of

MODEL = "1"
"""Part of every digest; change it when other balancers are built from the same request."""
WITHOUT_MEMBERS = timedelta(seconds=30)


def libcloud_load_balancers(
    driver: BalancerDriver, *, cluster: str, cloud: str, retries: Retries | None = None
) -> StackLoadBalancers:
    """The contract. Raises SettingsError for a driver that can't balance Services."""
    traits = driver.balancing
    if traits.refused:
        raise SettingsError(f"libcloud's load-balancer driver {driver.name!r} can't serve Services: {traits.refused}")
    types: Sequence[ResourceType] = (BalancerType(driver), *([MarkType(driver)] if traits.tags else []))
    engine = Engine(types, retries=retries or Retries(attempts=2), concurrency=1)
    names = frozenset({TYPE, MARK} if traits.tags else {TYPE})
    return StackLoadBalancers(
        cluster=cluster, engine=engine, capabilities=capabilities(traits), build=partial(build, traits, cloud),
        status=read_status, balancer_types=frozenset({TYPE}), summary_types=names, member_types=names, parallel=1,
    )  # fmt: skip


def capabilities(traits: BalancerTraits) -> LoadBalancerCapabilities:
    """What a driver can do for Services."""
    return LoadBalancerCapabilities(
        protocols=frozenset(traits.protocols), max_ports=0 if traits.several_ports else 1,
        local_traffic_policy=traits.health_checks, without_node_ports=traits.straight, stores_digests=traits.tags,
        revision=MODEL,
    )  # fmt: skip


def build(traits: BalancerTraits, cloud: str, request: LoadBalancerRequest) -> Stack:
    """One balancer with all ports, or one with its only port. Pure."""
    listeners = tuple(sorted(_listener(traits, port) for port in request.ports))
    members = sorted(members_of(traits, cloud, request.nodes, listeners[0]))
    if traits.members_first and not members:
        raise RetryLater(WITHOUT_MEMBERS, f"{request.service}: the driver makes no balancer without members")
    name = balancer_name(request.cluster, request.service.uid, None if traits.several_ports else listeners[0])
    properties = {"name": name, "listeners": [[e.protocol, e.port, e.back] for e in listeners], "members": members}
    if traits.health_checks:
        properties["check"] = check_text(request.health_check)
    balancer = Resource(TYPE, key_of(name), properties)
    marks = [mark(request, [balancer], balancer=Ref(balancer.key))] if traits.tags else []
    return Stack(owner_of(request.cluster, request.service), (balancer, *marks))


def members_of(traits: BalancerTraits, cloud: str, nodes: Sequence[NodeRef], listener: Listener) -> list[str]:
    """The nodes as this driver knows members; a node that it can't know is no member."""
    if traits.members == "id":
        return [id for node in nodes if (id := id_of(node.provider_id, cloud))]
    addresses = (node.addresses_of("InternalIP", "ExternalIP") for node in nodes)
    reached = [next(text for text in found if ":" not in text) for found in addresses if _has_ipv4(found)]
    return reached if traits.straight else [f"{address}:{listener.back}" for address in reached]


def read_status(request: LoadBalancerRequest | None, observation: Observation) -> LoadBalancerStatus:
    """Where it is reached, as an address or as a name; nothing while it has neither."""
    found = [entry for entry in observation.resources if entry.type == TYPE and entry.is_alive]
    addresses = dict.fromkeys(str(entry.attribute("address") or "") for entry in found)
    return LoadBalancerStatus(tuple(_ingress(address) for address in addresses if address))


def _listener(traits: BalancerTraits, port: ServicePort) -> Listener:
    return Listener(port.protocol, port.port, port.port if traits.straight else port.node_port)


def _has_ipv4(addresses: Sequence[str]) -> bool:
    return any(":" not in address for address in addresses)


def _ingress(address: str) -> Ingress:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return Ingress(hostname=address)
    return Ingress(ip=address)
