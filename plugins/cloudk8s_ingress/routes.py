"""What the proxy has to do, free of how it is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backend:
    """Where requests go; without endpoints they are answered with 503."""

    name: str
    """Namespace, Service and port."""
    endpoints: tuple[str, ...]
    """`address:port`, sorted."""
    speaks_tls: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """One path of a host. A prefix matches whole path elements: `/a` matches `/a` and `/a/b`, and not `/ab`."""

    path: str
    is_exact: bool
    backend: Backend
    body_size: str = ""
    """Largest request body, in nginx's form; empty for the proxy's default."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A serving certificate and its key, in PEM form."""

    name: str
    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Site:
    """One host. The empty host stands for every other one, and `*.example.com` for one more label."""

    host: str
    locations: tuple[Location, ...]
    fallback: Backend | None = None
    """For paths that no location matches; otherwise they are answered with 404."""
    certificate: Certificate | None = None
    """Without one, TLS is served with a certificate that nobody trusts."""
    redirects: bool = False
    """Plain HTTP is sent to HTTPS."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of an Ingress that can't be served as it says."""

    ingress: str
    """Its key."""
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Routes:
    """Everything there is to serve."""

    sites: tuple[Site, ...]
    problems: tuple[Problem, ...] = ()
