"""Routes in nginx's words: a pure function. Names and paths of users are quoted, and never become directives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudk8s_ingress.routes import Backend, Certificate, Location, Routes, Site

CONFIGURATION: Final = "nginx.conf"
_SIZE = re.compile(r"\d+[kKmMgG]?")
_BODY_SIZE = "100m"
_PLAIN_HOST = re.compile(r"[a-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the proxy listens."""

    address: str = "127.0.0.1"
    http: int = 80
    https: int = 443


@dataclass(frozen=True, slots=True)
class Directories:
    """Where the proxy's files are."""

    own: Path
    """Configuration and certificates; nobody else may read them."""
    scratch: Path
    """What the proxy's workers write, who may be another user."""
    user: str = ""
    """Who the workers are; empty is what the proxy was built with."""


def files(routes: Routes, listen: Listen, directories: Directories, default: Certificate) -> dict[str, bytes]:
    """Every file of the configuration by its name."""
    lines = _lines(routes, listen, directories, default)
    made = {CONFIGURATION: "\n".join(lines).encode() + b"\n"}
    for certificate in (default, *(site.certificate for site in routes.sites if site.certificate)):
        made[f"{certificate.name}.crt"] = certificate.certificate
        made[f"{certificate.name}.key"] = certificate.key
    return made


def _lines(routes: Routes, listen: Listen, directories: Directories, default: Certificate) -> Iterator[str]:
    if directories.user:
        yield f"user {directories.user};"
    yield from _HEAD.replace("SCRATCH", quoted(str(directories.scratch))[:-1]).splitlines()
    for backend in _backends(routes):
        servers = " ".join(f"server {endpoint} max_fails=2 fail_timeout=2s;" for endpoint in backend.endpoints)
        yield f"  upstream {quoted(backend.name)} {{ {servers} keepalive 32; }}"
    every = next((site for site in routes.sites if not site.host), Site("", ()))
    for site in (every, *(site for site in routes.sites if site.host)):
        yield from _server(site, listen, directories.own / (site.certificate or default).name)
    yield "}"


def _server(site: Site, listen: Listen, certificate: Path) -> Iterator[str]:
    default = "" if site.host else " default_server"
    if site.redirects:
        port = "" if listen.https == 443 else f":{listen.https}"
        yield f"  server {{ listen {listen.address}:{listen.http}{default}; server_name {_name(site.host)};"
        yield f"    return 308 https://$host{port}$request_uri; }}"
    yield "  server {"
    if not site.redirects:
        yield f"    listen {listen.address}:{listen.http}{default};"
    yield f"    listen {listen.address}:{listen.https} ssl http2{default};"
    yield f"    server_name {_name(site.host)};"
    yield f"    ssl_certificate {quoted(f'{certificate}.crt')};"
    yield f"    ssl_certificate_key {quoted(f'{certificate}.key')};"
    taken: set[str] = set()
    for location in site.locations:
        for match in _matches(location):
            if match not in taken:
                taken.add(match)
                yield f"    location {match} {{ {_answer(location.backend, location.body_size)} }}"
    if "/" not in {location.path for location in site.locations if not location.is_exact}:
        yield f"    location / {{ {_answer(site.fallback) if site.fallback else 'return 404;'} }}"
    yield "  }"


def _matches(location: Location) -> Iterable[str]:
    """A prefix is the path itself and what lies below it."""
    if location.is_exact:
        return (f"= {quoted(location.path)}",)
    if location.path == "/":
        return ("/",)
    return f"= {quoted(location.path)}", quoted(location.path + "/")


def _answer(backend: Backend, body_size: str = "") -> str:
    if not backend.endpoints:
        return "return 503;"
    size = body_size if _SIZE.fullmatch(body_size) else _BODY_SIZE
    scheme = "https" if backend.speaks_tls else "http"
    return f"client_max_body_size {size}; proxy_pass {quoted(f'{scheme}://{backend.name}')};"


def _backends(routes: Routes) -> Iterable[Backend]:
    found = {}
    for site in routes.sites:
        for backend in (*(location.backend for location in site.locations), *filter(None, (site.fallback,))):
            if backend.endpoints:
                found[backend.name] = backend
    return [found[name] for name in sorted(found)]


def _name(host: str) -> str:
    """A wildcard stands for exactly one label, which nginx can say by a pattern only."""
    if not host:
        return "_"
    if not host.startswith("*."):
        return host if _PLAIN_HOST.fullmatch(host) else "invalid"
    return quoted(r"~^[^.]+\." + re.escape(host[2:]) + "$")


def quoted(text: str) -> str:
    """A string that nginx takes as one word, whatever is in it; its variables are not wanted."""
    safe = "".join(char for char in text if char.isprintable())
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


_HEAD = """\
daemon off;
pid SCRATCH/nginx.pid";
error_log stderr warn;
worker_processes auto;
events { worker_connections 4096; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path SCRATCH/body";
  proxy_temp_path SCRATCH/proxy";
  fastcgi_temp_path SCRATCH/fastcgi";
  uwsgi_temp_path SCRATCH/uwsgi";
  scgi_temp_path SCRATCH/scgi";
  server_names_hash_bucket_size 256;
  ssl_protocols TLSv1.2 TLSv1.3;
  map $http_upgrade $connection_header { default upgrade; '' ''; }
  proxy_http_version 1.1;
  proxy_buffering off;
  proxy_read_timeout 60s;
  proxy_next_upstream error timeout;
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_header;
  proxy_set_header X-Request-ID $request_id;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Forwarded-Proto $scheme;\
"""
