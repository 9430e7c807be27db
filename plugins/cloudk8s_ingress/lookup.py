"""What Ingresses refer to, found in the caches of informers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from cloudk8s.plugin.controllers import Informer, Object
from cloudk8s_ingress.certificates import pair
from cloudk8s_ingress.routes import Certificate

SERVICE_OF_SLICE = "kubernetes.io/service-name"
BY_SERVICE = "ingress/service"


def services_of(piece: Object) -> list[str]:
    """Index: the Service that a slice belongs to."""
    name = (piece["metadata"].get("labels") or {}).get(SERVICE_OF_SLICE)
    return [f"{piece['metadata']['namespace']}/{name}"] if name else []


class Lookup:
    """Services, their endpoints, and certificates."""

    def __init__(self, services: Informer, slices: Informer, secrets: Informer) -> None:
        self._services, self._slices, self._secrets = services, slices, secrets
        slices.add_index(BY_SERVICE, services_of)

    def port(self, namespace: str, service: str, wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The port of a Service that an Ingress names by name or number."""
        found = self._services.get(service, namespace)
        for port in (found or {}).get("spec", {}).get("ports") or ():
            if port.get("name") == wanted.get("name") if wanted.get("name") else port["port"] == wanted.get("number"):
                return dict(port)
        return None

    def endpoints(self, namespace: str, service: str, port: Mapping[str, Any]) -> tuple[str, ...]:
        """Addresses of ready endpoints with the port that stands behind a port of the Service."""
        found: set[str] = set()
        for piece in self._slices.by_index(BY_SERVICE, f"{namespace}/{service}"):
            number = _number(piece, port.get("name") or "")
            if number:
                found.update(_authority(address, number, piece["addressType"]) for address in _ready(piece))
        return tuple(sorted(found))

    def certificate(self, namespace: str, secret: str) -> Certificate | None:
        """What a Secret of type kubernetes.io/tls holds; None if it is absent or unfit."""
        data = (self._secrets.get(secret, namespace) or {}).get("data") or {}
        try:
            certificate, key = (base64.b64decode(data[name], validate=True) for name in ("tls.crt", "tls.key"))
        except (KeyError, binascii.Error):
            return None
        return pair(f"{namespace}.{secret}", certificate, key)


def _ready(piece: Object) -> Iterator[str]:
    for endpoint in piece.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is not False:
            yield from endpoint["addresses"][:1]


def _number(piece: Object, name: str) -> int:
    return next((int(port["port"]) for port in piece.get("ports") or () if (port.get("name") or "") == name), 0)


def _authority(address: str, port: int, family: str) -> str:
    return f"[{address}]:{port}" if family == "IPv6" else f"{address}:{port}"
