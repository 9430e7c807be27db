"""Stored custom objects in the version that a reader wants: pruned and defaulted by that version's schema."""

from __future__ import annotations

from cloudk8s.api.custom.defaulting import apply_defaults
from cloudk8s.api.custom.pruning import prune
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.machinery import codec


def in_version(obj: Object, resource: ResourceType) -> Object:
    """A copy of a stored object as the resource's version shows it.

    Versions differ in their schema only (conversion strategy `None`); defaults that were added to a schema after the
    object was stored appear, fields that were dropped from it disappear.
    """
    copy: Object = codec.copy(obj)
    copy["apiVersion"], copy["kind"] = resource.api_version, resource.kind
    prune(copy, resource.schema)
    apply_defaults(copy, resource.schema)
    return copy
