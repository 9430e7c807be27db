"""What Ingresses mean together: hosts, paths in their precedence, certificates.

https://kubernetes.io/docs/concepts/services-networking/ingress/: exact paths come before prefixes and longer prefixes
before shorter ones; of two Ingresses that claim the same path the older one has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloudk8s.plugin.controllers import Object
from cloudk8s_ingress.routes import Backend, Certificate, Location, Problem, Routes, Site

PREFIX = "ingress.cloudk8s.io/"
BACKEND_PROTOCOL = PREFIX + "backend-protocol"
"""Annotation: `HTTP` or `HTTPS`, what the pods speak."""
BODY_SIZE = PREFIX + "proxy-body-size"
"""Annotation: the largest request body, such as `50m`."""
SSL_REDIRECT = PREFIX + "ssl-redirect"
"""Annotation: `false` serves hosts that have a certificate over plain HTTP too."""


class References(Protocol):
    """What `Lookup` answers."""

    def port(self, namespace: str, service: str, wanted: Any) -> Any:
        """The port of a Service by name or number; None where there is none."""

    def endpoints(self, namespace: str, service: str, port: Any) -> tuple[str, ...]:
        """Where ready pods listen."""

    def certificate(self, namespace: str, secret: str) -> Certificate | None:
        """The certificate in a Secret."""


@dataclass(slots=True)
class _Host:
    exact: dict[str, Location] = field(default_factory=dict)
    prefixes: dict[str, Location] = field(default_factory=dict)
    fallback: Backend | None = None
    certificate: Certificate | None = None
    redirects: bool = False


def routes_of(ingresses: Iterable[Object], references: References) -> Routes:
    """All routes, the same for the same objects in whatever order they come."""
    hosts: dict[str, _Host] = {}
    problems: list[Problem] = []
    for ingress in sorted(ingresses, key=_age):
        for found in _serve(ingress, references, hosts):
            problems.append(Problem(_key(ingress), *found))
    return Routes(tuple(_site(name, hosts[name]) for name in sorted(hosts)), tuple(problems))


def _serve(ingress: Object, references: References, hosts: dict[str, _Host]) -> Iterator[tuple[str, str]]:
    """Add one Ingress; yields reason and text of what is wrong with it."""
    spec = ingress["spec"]
    fallback = None
    if spec.get("defaultBackend"):
        fallback, problem = _backend(ingress, spec["defaultBackend"], references)
        yield from problem
    rules = spec.get("rules") or ()
    for rule in rules:
        host = hosts.setdefault(rule.get("host", ""), _Host())
        host.fallback = host.fallback or fallback
        for path in (rule.get("http") or {}).get("paths") or ():
            backend, problem = _backend(ingress, path["backend"], references)
            yield from problem
            if backend is not None:
                _add(host, path, backend, _annotation(ingress, BODY_SIZE))
    if not rules and fallback is not None:
        every = hosts.setdefault("", _Host())
        every.fallback = every.fallback or fallback
    yield from _secure(ingress, references, hosts)


def _add(host: _Host, path: Any, backend: Backend, body_size: str) -> None:
    text = path.get("path") or "/"
    if path.get("pathType") == "Exact":
        host.exact.setdefault(text, Location(text, True, backend, body_size))
    else:
        whole = text.rstrip("/") or "/"
        host.prefixes.setdefault(whole, Location(whole, False, backend, body_size))


def _backend(ingress: Object, wanted: Any, references: References) -> tuple[Backend | None, list[tuple[str, str]]]:
    service, namespace = wanted.get("service"), ingress["metadata"]["namespace"]
    if service is None:
        return None, [("UnsupportedBackend", "only Services can be backends")]
    name, asked = service["name"], service.get("port") or {}
    port = references.port(namespace, name, asked)
    shown = asked.get("name") or asked.get("number")
    if port is None:
        text = f"Service {namespace}/{name} has no port {shown}, or does not exist; requests get 503"
        return Backend(f"{namespace}.{name}.{shown}", ()), [("BackendNotFound", text)]
    speaks_tls = _annotation(ingress, BACKEND_PROTOCOL).upper() == "HTTPS"
    suffix = ".tls" if speaks_tls else ""
    endpoints = references.endpoints(namespace, name, port)
    return Backend(f"{namespace}.{name}.{port['port']}{suffix}", endpoints, speaks_tls), []


def _secure(ingress: Object, references: References, hosts: dict[str, _Host]) -> Iterator[tuple[str, str]]:
    redirects = _annotation(ingress, SSL_REDIRECT).lower() != "false"
    for tls in ingress["spec"].get("tls") or ():
        secret, namespace = tls.get("secretName", ""), ingress["metadata"]["namespace"]
        certificate = references.certificate(namespace, secret) if secret else None
        if secret and certificate is None:
            yield "CertificateNotFound", f"Secret {namespace}/{secret} does not hold a certificate and its key"
        for name in tls.get("hosts") or [rule.get("host", "") for rule in ingress["spec"].get("rules") or ()]:
            if name in hosts:
                host = hosts[name]
                host.certificate = host.certificate or certificate
                host.redirects = host.redirects or redirects


def _site(name: str, host: _Host) -> Site:
    exact = [host.exact[path] for path in sorted(host.exact)]
    prefixes = [host.prefixes[path] for path in sorted(host.prefixes, key=lambda path: (-len(path), path))]
    return Site(name, (*exact, *prefixes), host.fallback, host.certificate, host.redirects)


def _age(ingress: Object) -> tuple[str, str]:
    return ingress["metadata"].get("creationTimestamp", ""), _key(ingress)


def _key(ingress: Object) -> str:
    return f"{ingress['metadata']['namespace']}/{ingress['metadata']['name']}"


def _annotation(ingress: Object, name: str) -> str:
    return str((ingress["metadata"].get("annotations") or {}).get(name, ""))
