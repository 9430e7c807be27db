"""Discovery over HTTP: which document a client wants, by path and Accept header, with ETags for the aggregated ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cloudk8s.api.discovery import AGGREGATED_GROUP, AGGREGATED_KIND, Discovery, Document
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.negotiation import YAML, negotiate
from cloudk8s.apiserver.paths import Paths
from cloudk8s.machinery import yaml_codec

_VERSIONS: Final = ("v2",)
_NOT_FOUND: Final = b"404 page not found\n"


def add_discovery(paths: Paths, discovery: Discovery) -> None:
    """Answer `/api`, `/apis` and what is below them."""
    handler = DiscoveryHandler(discovery)
    paths.add("/api", handler.core)
    paths.add("/apis", handler.groups, any_method=True)  # as upstream, whose list of groups is not a route
    paths.add_prefix("/api/", handler.below_core)
    paths.add_prefix("/apis/", handler.below_groups)


class DiscoveryHandler:
    """Path handlers over the documents of one registry."""

    def __init__(self, discovery: Discovery) -> None:
        self._discovery = discovery

    def core(self, context: RequestContext, request: Request) -> Response | None:
        return self._root(request, core=True)

    def groups(self, context: RequestContext, request: Request) -> Response | None:
        return self._root(request, core=False)

    def below_core(self, context: RequestContext, request: Request) -> Response | None:
        _, _, version, *rest = context.info.path.rstrip("/").split("/")
        return None if rest else _plain(self._discovery.resources("", version), request)

    def below_groups(self, context: RequestContext, request: Request) -> Response | None:
        _, _, group, *rest = context.info.path.rstrip("/").split("/")
        if len(rest) > 1:
            return None
        document = self._discovery.group(group)
        if document is None:
            return Response(404, _NOT_FOUND, "text/plain; charset=utf-8")
        return _plain(self._discovery.resources(group, rest[0]) if rest else document, request)

    def _root(self, request: Request, *, core: bool) -> Response | None:
        version = aggregated_version(request.headers.get("accept", ""))
        if not version:
            return _plain(self._discovery.versions() if core else self._discovery.groups(), request)
        document = self._discovery.aggregated(core=core, version=version)
        headers = [("ETag", document.etag), ("Vary", "Accept"), ("Cache-Control", "public")]
        if request.headers.get("if-none-match") == document.etag:
            return Response(304, b"", headers=headers)
        content_type = f"application/json;g={AGGREGATED_GROUP};v={version};as={AGGREGATED_KIND}"
        return Response(200, document.body, content_type, headers)


@lru_cache(maxsize=256)
def aggregated_version(accept: str) -> str:
    """The version of the aggregated document that an Accept header prefers; empty for the legacy documents."""
    for clause in accept.split(","):
        media_type, *parameters = (part.strip() for part in clause.split(";"))
        given = dict(part.partition("=")[::2] for part in parameters)
        if media_type not in ("application/json", "*/*", YAML):
            continue
        if "as" not in given:
            return ""
        if (given["as"], given.get("g")) == (AGGREGATED_KIND, AGGREGATED_GROUP) and given.get("v") in _VERSIONS:
            return given["v"]
    return ""


def _plain(document: Document | None, request: Request) -> Response | None:
    """A legacy document as JSON or YAML."""
    if document is None:
        return None
    form = negotiate(request.headers.get("accept", ""), has_table=False)
    if form.media_type == YAML:
        return Response(200, yaml_codec.encode(document.tree), YAML)
    return Response(200, document.body)
