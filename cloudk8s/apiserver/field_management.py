"""Who owns which field: keeps `metadata.managedFields` for every write."""

from __future__ import annotations

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.machinery.clock import Clock


class FieldManagement:
    """Updates managed fields before admission sees an object, as upstream does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_create(self, context: RequestContext, resource: ResourceType, obj: Object) -> None:
        """Give the requester's manager all fields of a new object."""

    def on_update(
        self, context: RequestContext, resource: ResourceType, new: Object, old: Object, subresource: str
    ) -> None:
        """Give the requester's manager the fields that differ."""

    def on_review(self, context: RequestContext, resource: ResourceType, obj: Object, subresource: str = "") -> None:
        """Give the requester's manager all fields of an object that is answered and not stored."""

    def on_apply(
        self,
        context: RequestContext,
        resource: ResourceType,
        live: Object,
        config: Object,
        subresource: str,
        force: bool,
    ) -> Object:
        """Merge an applied configuration into the live object; raises Conflict."""
        raise NotImplementedError

    def first_apply(self, context: RequestContext, resource: ResourceType, config: Object) -> Object:
        """The object that an applied configuration creates."""
        raise NotImplementedError
