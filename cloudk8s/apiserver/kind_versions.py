"""The served versions of one kind, as field managers need them."""

from __future__ import annotations

from cloudk8s.api.conversion import convert
from cloudk8s.api.decode import Decoder
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import GroupVersion, Object, ResourceType
from cloudk8s.machinery.schema import Schema


class KindVersions:
    """Fulfils `machinery.apply.versions.Versions` for the kind of a resource."""

    def __init__(self, registry: Registry, decoder: Decoder, resource: ResourceType) -> None:
        self._registry = registry
        self._decoder = decoder
        self._resource = resource

    def schema(self, api_version: str) -> Schema | None:
        """The kind's schema in a version, None where it is not served."""
        if api_version == self._resource.api_version:
            return self._resource.schema
        group, version = GroupVersion.parse(api_version)
        found = self._registry.lookup_kind(group, version, self._resource.kind)
        return found.schema if found is not None else None

    def convert(self, obj: Object, api_version: str) -> Object:
        """The object, given in the resource's own version, in another one."""
        head = {"kind": self._resource.kind, "apiVersion": self._resource.api_version}
        converted = convert(head | obj, api_version)
        schema = self.schema(api_version)
        if schema is not None:
            self._decoder.complete(converted, schema)
        return {key: value for key, value in converted.items() if key in obj or key not in head}
