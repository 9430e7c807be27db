"""What a URL path asks for, in the API's terms (upstream's `RequestInfo`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The parts of a path; `resource` is empty for everything that is not below `/api/V` or `/apis/G/V`."""

    path: str
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    tail: str = ""
    """What follows the subresource (`proxy/some/path`), with its leading slash."""
    is_watch: bool = False
    """The deprecated `/api/v1/watch/…` form."""
    kind_of_place: str = field(default="", compare=False, repr=False)
    """One string for all paths of the same resource, subresource and scope; empty where there is no resource."""

    @property
    def is_resource(self) -> bool:
        return bool(self.resource)

    @property
    def url_namespace(self) -> str:
        """The namespace that the path gives; empty for a Namespace's own path."""
        return "" if self.resource == "namespaces" and not self.group else self.namespace


@lru_cache(maxsize=16384)
def parse_path(path: str) -> RequestInfo:
    """Read a path; pure, so its results are kept."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) >= 3:
        return _resource(path, "", parts[1], parts[2:])
    if parts[0] == "apis" and len(parts) >= 4:
        return _resource(path, parts[1], parts[2], parts[3:])
    return RequestInfo(path)


def _resource(path: str, group: str, version: str, rest: list[str]) -> RequestInfo:
    is_watch = rest[0] == "watch" and len(rest) > 1
    if is_watch:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and not (rest[2] in _NAMESPACE_SUBRESOURCES and len(rest) == 3 and not group):
            rest = rest[2:]
    resource, *more = rest
    name = more[0] if more else ""
    subresource = more[1] if len(more) > 1 else ""
    tail = _tail(path, subresource, len(more) - 2) if len(more) > 2 or path.endswith("/") else ""
    scope = "resource" if name else "namespace" if namespace else "cluster"
    place = sys.intern("/".join((group, version, resource, subresource, scope)))
    return RequestInfo(path, group, version, namespace, resource, name, subresource, tail, is_watch, place)


def _tail(path: str, subresource: str, count: int) -> str:
    """The last `count` parts as they stand in the path, and the slash at its end."""
    if subresource != "proxy":
        return "/" if subresource else ""
    inner = path.rstrip("/")
    for _ in range(count):
        inner = inner.rpartition("/")[0]
    return path[len(inner) :]
