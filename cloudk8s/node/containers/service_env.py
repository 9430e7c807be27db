"""Environment variables that tell a container of the services of its namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of

MASTER_NAMESPACE = "default"
MASTER_SERVICES = ("kubernetes",)


def service_environment(services: Iterable[Object], namespace: str, *, with_links: bool) -> dict[str, str]:
    """Variables of the API server's service, and with `with_links` of all services of the pod's namespace."""
    chosen: dict[str, Object] = {}
    for service in services:
        if not _has_address(service):
            continue
        own = namespace_of(service) == namespace
        is_master = namespace_of(service) == MASTER_NAMESPACE and name_of(service) in MASTER_SERVICES
        if (is_master and name_of(service) not in chosen) or (own and with_links):
            chosen[name_of(service)] = service
    environment: dict[str, str] = {}
    for name in sorted(chosen):
        environment |= _of_service(chosen[name])
    return environment


def _has_address(service: Object) -> bool:
    address = spec_of(service).get("clusterIP")
    return bool(address) and address != "None"


def _of_service(service: Object) -> dict[str, str]:
    prefix = name_of(service).replace("-", "_").upper()
    spec = spec_of(service)
    ports: list[Mapping[str, Any]] = spec.get("ports") or []
    environment = {f"{prefix}_SERVICE_HOST": spec["clusterIP"]}
    if ports:
        environment[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            environment[f"{prefix}_SERVICE_PORT_{port['name'].replace('-', '_').upper()}"] = str(port["port"])
    for index, port in enumerate(ports):
        environment |= _as_link(prefix, spec["clusterIP"], port, is_first=index == 0)
    return environment


def _as_link(prefix: str, host: str, port: Mapping[str, Any], *, is_first: bool) -> dict[str, str]:
    """Docker's old link variables, which the conformance suite still reads."""
    protocol = str(port.get("protocol") or "TCP")
    shown = f"[{host}]" if ":" in host else host
    url = f"{protocol.lower()}://{shown}:{port['port']}"
    stem = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
    first = {f"{prefix}_PORT": url} if is_first else {}
    return first | {
        stem: url,
        f"{stem}_PROTO": protocol.lower(),
        f"{stem}_PORT": str(port["port"]),
        f"{stem}_ADDR": host,
    }
