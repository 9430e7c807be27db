"""OpenAPI over HTTP: the index and documents of version 3, and the document of version 2
(also as protobuf), with ETags."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.openapi import gnostic
from cloudk8s.api.openapi.documents import Document, OpenApi
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.paths import Paths

_TEXT: Final = "text/plain; charset=utf-8"
_NOT_FOUND: Final = Response(404, b"404 page not found\n", _TEXT)
_ACCEPTED: Final = ("application/json", "application/*", "*/*", "")


def add_openapi(paths: Paths, documents: OpenApi) -> None:
    """Answer `/openapi/v2`, `/openapi/v3` and what is below it."""
    handler = OpenApiHandler(documents)
    paths.add("/openapi/v2", handler.v2)
    paths.add("/openapi/v3", handler.index)
    paths.add_prefix("/openapi/v3/", handler.group_version)
    paths.add_prefix("/openapi/", lambda context, request: _NOT_FOUND)


class OpenApiHandler:
    """Path handlers over the documents of one registry."""

    def __init__(self, documents: OpenApi) -> None:
        self._documents = documents

    def v2(self, context: RequestContext, request: Request) -> Response:
        for clause in request.headers.get("accept", "").split(","):
            media_type = clause.partition(";")[0].strip()
            if media_type in gnostic.ASKED_FOR:
                return _answer(self._documents.v2_protobuf(), request, content_type=gnostic.MEDIA_TYPE)
            if media_type in _ACCEPTED:
                break
        return _answer(self._documents.v2(), request)

    def index(self, context: RequestContext, request: Request) -> Response:
        return _answer(self._documents.index(), request)

    def group_version(self, context: RequestContext, request: Request) -> Response:
        path = context.info.path.rstrip("/").removeprefix("/openapi/v3/")
        document = self._documents.group_version(path)
        if document is None:
            return Response(404, b"")
        wanted = context.query.get("hash")
        if wanted and wanted != document.hash:
            return Response(301, b"", headers=[("Location", f"/openapi/v3/{path}?hash={document.hash}")])
        return _answer(document, request, is_final=bool(wanted))


def _answer(
    document: Document, request: Request, *, is_final: bool = False, content_type: str = "application/json"
) -> Response:
    """The document, if the client does not have it and reads its form; one named by its hash never changes."""
    if content_type == "application/json" and not _takes_json(request.headers.get("accept", "")):
        return Response(406, b"406 not acceptable\n", _TEXT)
    headers = [("ETag", f'"{document.hash}"'), ("Vary", "Accept")]
    if is_final:
        headers.append(("Cache-Control", "public, immutable"))
    if request.headers.get("if-none-match") == f'"{document.hash}"':
        return Response(304, b"", headers=headers)
    return Response(200, document.body, content_type, headers)


def _takes_json(accept: str) -> bool:
    return any(clause.partition(";")[0].strip() in _ACCEPTED for clause in accept.split(","))
