"""`proxy` of nodes, pods and services: any HTTP request, passed on to what listens there."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable
from typing import Any

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.http.interface import Answer, Request, Response
from cloudk8s.apiserver.relay.backend import Sockets, Target
from cloudk8s.apiserver.relay.kubelet import Kubelets
from cloudk8s.apiserver.relay.passing import pass_on
from cloudk8s.apiserver.streaming.upgrade import is_upgrade
from cloudk8s.errors import BadRequest, ServiceUnavailable
from cloudk8s.machinery import go_text


class ProxyHandler:
    """Any method on `proxy` and what lies below it. The name is `[https:]NAME[:PORT]`.

    Pods are reached by `pod_sockets`, where they are on a network that this process is not on.
    """

    def __init__(self, core: Core, kubelets: Kubelets, pod_sockets: Sockets | None = None) -> None:
        self._core = core
        self._kubelets = kubelets
        self._pod_sockets = pod_sockets

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Find the backend, and pass on."""
        if not context.info.tail and request.method in ("GET", "HEAD") and not is_upgrade(request.headers):
            return _to_root(request)
        scheme, name, port = _split(context.info.name, resource)
        find = {"nodes": self._node, "pods": self._pod, "services": self._service}[resource.plural]
        target = find(resource, context, scheme, name, port)
        path = context.info.tail or "/"
        query = f"?{request.query}" if request.query else ""
        return pass_on(request, target, path + query, below=_prefix(request, context.info.tail))

    def _node(self, resource: ResourceType, context: RequestContext, scheme: str, name: str, port: str) -> Target:
        target = self._kubelets.of(name)
        return target if port in ("", str(target.port)) else Target(target.host, _number(port), _tls(scheme))

    def _pod(self, resource: ResourceType, context: RequestContext, scheme: str, name: str, port: str) -> Target:
        pod = self._core.find("", "pods", name, context.info.namespace)
        if pod is None:
            raise failures.not_found(resource, name)
        address = (pod.get("status") or {}).get("podIP", "")
        if not address:
            raise BadRequest("address not allowed")
        return Target(address, _pod_port(pod, port), _tls(scheme), self._pod_sockets)

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
                return Target(found[0], found[1], _tls(scheme), self._pod_sockets)
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')


def _to_root(request: Request) -> Response:
    """Links on a page are relative to its directory, so that the root of a backend has to end with a slash."""
    query = f"?{request.query}" if request.query else ""
    return Response(301, b"", "", [("Location", f"{request.path}/{query}")])


def _prefix(request: Request, tail: str) -> str:
    """The path of this server that stands before the backend's own."""
    return request.path.removesuffix(tail)


def _split(text: str, resource: ResourceType) -> tuple[str, str, str]:
    """`[scheme:]name[:port]`; BadRequest in upstream's words for anything else."""
    parts = text.split(":")
    if len(parts) == 2:
        parts = [*parts, ""] if parts[0] in ("http", "https") else ["", *parts]
    if len(parts) == 1:
        parts = ["", text, ""]
    if len(parts) != 3 or not parts[1] or parts[0] not in ("", "http", "https"):
        raise BadRequest(f"invalid {resource.singular} request {go_text.quote(text)}")
    return parts[0], parts[1], parts[2]


def _number(port: str) -> int:
    if port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536:
        return int(port)
    raise BadRequest(f"invalid port {go_text.quote(port)}")


def _pod_port(pod: Object, port: str) -> int:
    containers = pod["spec"].get("containers") or []
    ports: list[dict[str, Any]] = [item for container in containers for item in container.get("ports") or []]
    if not port:
        return int(ports[0]["containerPort"]) if ports else 80
    if port.isdecimal():
        return _number(port)
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
