"""`proxy` of nodes, pods and services: any HTTP request, passed on to what listens there."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from typing import Any

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.relay.backend import Target
from cloudk8s.apiserver.relay.kubelet import Kubelets
from cloudk8s.apiserver.relay.passing import pass_on
from cloudk8s.errors import BadRequest, ServiceUnavailable


class ProxyHandler:
    """Any method on `proxy` and what lies below it. The name is `[https:]NAME[:PORT]`."""

    def __init__(self, core: Core, kubelets: Kubelets) -> None:
        self._core = core
        self._kubelets = kubelets

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Find the backend, and pass on."""
        scheme, name, port = _split(context.info.name)
        find = {"nodes": self._node, "pods": self._pod, "services": self._service}[resource.plural]
        target = find(resource, context, scheme, name, port)
        path = context.info.tail or "/"
        query = f"?{request.query}" if request.query else ""
        return pass_on(request, target, path + query)

    def _node(self, resource: ResourceType, context: RequestContext, scheme: str, name: str, port: str) -> Target:
        target = self._kubelets.of(name)
        return target if not port else Target(target.host, int(port), _tls(scheme))

    def _pod(self, resource: ResourceType, context: RequestContext, scheme: str, name: str, port: str) -> Target:
        pod = self._core.find("", "pods", name, context.info.namespace)
        if pod is None:
            raise failures.not_found(resource, name)
        address = (pod.get("status") or {}).get("podIP", "")
        if not address:
            raise BadRequest("address not allowed")
        return Target(address, _pod_port(pod, port), _tls(scheme))

    def _service(self, resource: ResourceType, context: RequestContext, scheme: str, name: str, port: str) -> Target:
        namespace = context.info.namespace
        service = self._core.find("", "services", name, namespace)
        if service is None:
            raise failures.not_found(resource, name)
        wanted = _service_port(service, port)
        if wanted is None:
            raise ServiceUnavailable(f'no service port "{port}" found for service "{name}"')
        for piece in self._core.all("discovery.k8s.io", "endpointslices", namespace):
            if (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != name:
                continue
            found = _endpoint(piece, wanted.get("name", ""))
            if found:
                return Target(found[0], found[1], _tls(scheme))
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')


def _split(text: str) -> tuple[str, str, str]:
    """`[scheme:]name[:port]`."""
    parts = text.split(":")
    if len(parts) == 3:
        return parts[0], parts[1], parts[2]
    if len(parts) == 2:
        return ("", parts[0], parts[1]) if parts[0] not in ("http", "https") else (parts[0], parts[1], "")
    return "", parts[0], ""


def _pod_port(pod: Object, port: str) -> int:
    containers = pod["spec"].get("containers") or []
    ports: list[dict[str, Any]] = [item for container in containers for item in container.get("ports") or []]
    if not port:
        return int(ports[0]["containerPort"]) if ports else 80
    if port.isdecimal():
        return int(port)
    for item in ports:
        if item.get("name") == port:
            return int(item["containerPort"])
    raise BadRequest(f'pod has no port named "{port}"')


def _service_port(service: Object, port: str) -> dict[str, Any] | None:
    ports: list[dict[str, Any]] = service["spec"].get("ports") or []
    if not port:
        return ports[0] if len(ports) == 1 else next((item for item in ports if not item.get("name")), None)
    return next((item for item in ports if item.get("name") == port or str(item["port"]) == port), None)


def _endpoint(piece: Object, port_name: str) -> tuple[str, int] | None:
    port = next((item for item in piece.get("ports") or [] if (item.get("name") or "") == port_name), None)
    if port is None:
        return None
    for item in piece.get("endpoints") or []:
        if (item.get("conditions") or {}).get("ready", True) and item.get("addresses"):
            return str(item["addresses"][0]), int(port["port"])
    return None


def _tls(scheme: str) -> ssl.SSLContext | None:
    """Pods' certificates are their own; upstream does not verify them either."""
    if scheme != "https":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
