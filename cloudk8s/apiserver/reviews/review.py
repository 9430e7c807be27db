"""What all reviews share: read the body, answer 201 with it and a status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.intake import Intake
from cloudk8s.apiserver.handlers.write_options import read_write_options
from cloudk8s.apiserver.http.interface import Answer, Request
from cloudk8s.apiserver.negotiation import negotiate
from cloudk8s.apiserver.presenting import document

Answering = Callable[[RequestContext, Object], Object]
"""Takes the request and the decoded review; returns the review to answer with."""


class ReviewHandler:
    """Fulfils `VirtualHandler` for one kind of review."""

    def __init__(self, core: Core, answering: Answering) -> None:
        self._core = core
        self._answering = answering

    def handle(self, context: RequestContext, request: Request, resource: ResourceType, verb: str) -> Answer:
        """Answer a POST."""
        form = negotiate(context.headers.get("accept", ""), has_table=False)
        read_write_options(context, "CreateOptions")
        review = Intake(self._core, context, resource).read(request.body)
        review |= {"kind": resource.kind, "apiVersion": resource.api_version}
        self._core.fields.on_review(context, resource, review)
        answer = self._answering(context, review)
        type_meta: dict[str, Any] = {"kind": resource.kind, "apiVersion": resource.api_version}
        return document(type_meta | answer, form, 201)
