"""Subresources that are views of the object itself: `status`, `approval`, `ephemeralcontainers`, `resize`."""

from __future__ import annotations

from collections.abc import Awaitable

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers import reading, writing
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.presenting import Presenter


class ViewHandler:
    """GET, PUT and PATCH of the object; the kind's strategy decides which parts each subresource may change."""

    def __init__(self, core: Core, presenter: Presenter) -> None:
        self._core = core
        self._presenter = presenter

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Answer a request on the view."""
        if verb == "get":
            return reading.get(self._core, self._presenter, context, resource)
        write = writing.put if verb == "update" else writing.patch_object
        return write(self._core, self._presenter, context, resource, request.body)
