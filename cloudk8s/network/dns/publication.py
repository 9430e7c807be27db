"""The DNS server as others find it: the Service `kube-dns`, with endpoints that say where the server listens."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import spec_of
from cloudk8s.client.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from cloudk8s.errors import AlreadyExists, CloudK8sError, Conflict, NotFound
from cloudk8s.machinery.clock import Clock

NAMESPACE: Final = "kube-system"
NAME: Final = "kube-dns"
LABELS: Final = {"k8s-app": NAME, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
PERIOD: Final = 60.0
"""Seconds between looks whether it is all still there."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Publication:
    """Where the server is to be found: the Service's address, and the endpoint behind it."""

    cluster_ip: str
    address: str
    port: int
    others: tuple[str, ...] = ()
    """Addresses of more servers, on the same port."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, in one order."""
        return tuple(sorted({self.address, *self.others}))


def cluster_ip_of(service_range: str) -> str:
    """The tenth address of the range, where everybody expects the cluster's DNS."""
    return str(ip_network(service_range)[10])


async def keep_published(client: Client, publication: Publication, *, clock: Clock) -> None:
    """Publish, and publish again what somebody removes, until cancelled."""
    while True:
        try:
            await publish(client, publication)
        except (CloudK8sError, OSError) as error:
            _log.warning("the DNS server is not published, trying again: %s", error)
        await clock.sleep(PERIOD)


async def publish(client: Client, publication: Publication) -> None:
    """Make the Service and its endpoints, or bring them up to date; a Service that selects pods is somebody else's."""
    service = await _ensure(client, SERVICES, _service(publication))
    if spec_of(service).get("selector"):
        _log.info("Service %s/%s selects pods, which serve the cluster's DNS instead of us", NAMESPACE, NAME)
        return
    await _ensure(client, ENDPOINTS, _endpoints(publication), "subsets")
    await _ensure(client, ENDPOINT_SLICES, _slice(publication), "endpoints", "ports")


async def _ensure(client: Client, resource: Resource, wanted: Object, *fields: str) -> Object:
    """Create the object, or make these fields of it equal."""
    while True:
        try:
            found = await client.get(resource, NAME, namespace=NAMESPACE)
        except NotFound:
            try:
                return await client.create(resource, wanted, namespace=NAMESPACE)
            except AlreadyExists:
                continue
        if all(found.get(field) == wanted[field] for field in fields):
            return found
        try:
            return await client.update(resource, {**found, **{field: wanted[field] for field in fields}})
        except Conflict:
            continue


def _service(publication: Publication) -> Object:
    ports = [
        {"name": name, "port": 53, "protocol": protocol, "targetPort": publication.port}
        for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    spec = {"type": "ClusterIP", "clusterIP": publication.cluster_ip, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(LABELS), "spec": spec}


def _endpoints(publication: Publication) -> Object:
    labels = {**LABELS, "endpointslice.kubernetes.io/skip-mirror": "true"}
    addresses = [{"ip": address} for address in publication.addresses]
    subset = {"addresses": addresses, "ports": _ports(publication)}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": _metadata(labels), "subsets": [subset]}


def _slice(publication: Publication) -> Object:
    labels = {
        **LABELS,
        "kubernetes.io/service-name": NAME,
        "endpointslice.kubernetes.io/managed-by": "dns.cloudk8s.io",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _metadata(labels),
        "addressType": "IPv6" if ":" in publication.address else "IPv4",
        "endpoints": [{"addresses": [each], "conditions": {"ready": True}} for each in publication.addresses],
        "ports": _ports(publication),
    }


def _ports(publication: Publication) -> list[dict[str, Any]]:
    return [
        {"name": "dns", "port": publication.port, "protocol": "UDP"},
        {"name": "dns-tcp", "port": publication.port, "protocol": "TCP"},
    ]


def _metadata(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"name": NAME, "namespace": NAMESPACE, "labels": dict(labels)}
