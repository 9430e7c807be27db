"""What answers requests on a subresource or on a resource that stores nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Answer, Request


class SubresourceHandler(Protocol):
    """Answers requests on one subresource; `resource` is the parent. The verb is one that the subresource declares."""

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Answer, or raise a StatusError."""


class VirtualHandler(Protocol):
    """Answers requests on a resource that stores nothing: reviews, bindings, component statuses."""

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Answer, or raise a StatusError."""


class GroupHandler(Protocol):
    """Answers every request in one group, whatever resource it names."""

    def handle(self, context: RequestContext, request: Request, verb: str) -> Answer | Awaitable[Answer]:
        """Answer, or raise a StatusError."""
