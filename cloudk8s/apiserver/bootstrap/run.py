"""Reconcile what every cluster has; called before the server says it is ready."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.bootstrap import objects
from cloudk8s.apiserver.bootstrap.described import describe_server
from cloudk8s.apiserver.bootstrap.policy import ensure_policy
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.core import Core
from cloudk8s.errors import Invalid

_ATTEMPTS: Final = 25
_PAUSE_SECONDS: Final = 0.2
_ANYWHERE: Final = ("192.0.2.1", 9)
"""A place outside this host; choosing a route to it sends nothing."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server listens and which range Services come from; the CAs are PEM text."""

    address: str
    port: int
    service_ranges: tuple[str, ...]
    client_ca: str = ""
    requestheader_ca: str = ""
    service_port: int = 443
    """Port of the `kubernetes` Service: another one where this host cannot serve 443."""
    advertise: str = ""
    """Where pods reach the server; empty is found out from the address."""
    is_alone: bool = True
    """There is no other API server; several say together where they are, by `publish_addresses`."""


async def bootstrap(core: Core, endpoint: Endpoint) -> None:
    """Make what is missing; idempotent."""
    writer = Writer(core)
    for obj in (*objects.namespaces(), *objects.priority_classes()):
        await writer.ensure(obj)
    await ensure_policy(writer)
    await describe_server(core)
    await writer.ensure(objects.service_cidr(list(endpoint.service_ranges)))
    await writer.ensure(objects.token_tracking(core.clock.now()))
    await writer.ensure(objects.extension_authentication(endpoint.client_ca, endpoint.requestheader_ca))
    await _ensure_service(writer, objects.kubernetes_service(_first(endpoint), endpoint.port, endpoint.service_port))
    address = endpoint.advertise or advertised(endpoint.address)
    if address and endpoint.is_alone:
        await publish_addresses(core, [address], endpoint.port)


async def publish_addresses(core: Core, addresses: Sequence[str], port: int) -> None:
    """Say where pods find API servers."""
    writer = Writer(core)
    for obj in objects.kubernetes_endpoints(addresses, port):
        await _publish(writer, obj)


def first_address(network: str) -> str:
    """The first usable address of a range: that of the `kubernetes` Service."""
    return str(ipaddress.ip_network(network)[1])


def advertised(address: str) -> str:
    """Where others reach a server that listens at `address`: for a loopback address, at the host's own, if any."""
    if not ipaddress.ip_address(address).is_loopback:
        return address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _first(endpoint: Endpoint) -> str:
    return first_address(endpoint.service_ranges[0])


async def _ensure_service(writer: Writer, service: Object) -> None:
    """Make the Service by which pods find the API; another server may hold its address already, and be about to."""
    for attempt in range(_ATTEMPTS):
        try:
            await writer.ensure(service)
        except Invalid:
            if not writer.core.store.is_shared or attempt == _ATTEMPTS - 1:
                raise
            await writer.core.clock.sleep(_PAUSE_SECONDS)
        else:
            return


async def _publish(writer: Writer, obj: Object) -> None:
    """Create the endpoints, or put the present address and port into them."""
    if await writer.ensure(obj):
        return
    changed = {key: value for key, value in obj.items() if key in ("subsets", "endpoints", "ports", "addressType")}
    live = writer.find(obj)
    if live is not None and all(live.get(key) == value for key, value in changed.items()):
        return

    def transform(live: Object) -> Object:
        return live | changed

    await writer.change(obj, transform)
