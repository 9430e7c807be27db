"""What every operation works with: the registry, the store and the rules, in one frozen bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloudk8s.api.conversion import convert
from cloudk8s.api.custom.reading import in_version
from cloudk8s.api.custom.resource import CustomResource
from cloudk8s.api.decode import Decoder
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.strategy import Strategy
from cloudk8s.apiserver.encoding import Attributes, TreeCache
from cloudk8s.apiserver.measures import Measures
from cloudk8s.apiserver.repeated_bodies import RepeatedBodies
from cloudk8s.apiserver.sent_events import SentEvents
from cloudk8s.apiserver.small_collections import SmallCollections
from cloudk8s.machinery.alarms import Alarms
from cloudk8s.machinery.clock import Clock
from cloudk8s.storage.interface import Record, Store

if TYPE_CHECKING:
    from cloudk8s.api.decode import Decoder
    from cloudk8s.api.registry import Registry
    from cloudk8s.apiserver.admission.chain import AdmissionChain
    from cloudk8s.apiserver.field_management import FieldManagement


@dataclass(frozen=True)
class Core:
    """The parts that operations, admission and handlers share. Nothing here knows HTTP."""

    registry: Registry
    store: Store
    strategies: Mapping[tuple[str, str], Strategy]
    admission: AdmissionChain
    fields: FieldManagement
    clock: Clock
    decoder: Decoder
    cache: dict[str, ResourceType] = field(default_factory=dict)
    """Pseudo resources that handlers made for kinds that are no resource."""
    trees: TreeCache = field(default_factory=TreeCache)
    repeats: RepeatedBodies = field(default_factory=RepeatedBodies)
    small: SmallCollections = field(default_factory=SmallCollections)
    sent_events: SentEvents = field(default_factory=SentEvents)
    alarms: Alarms = field(default_factory=Alarms)
    """When watches end."""
    measures: Measures = field(default_factory=Measures)
    default_strategy: Strategy = field(default_factory=BuiltinStrategy)

    def strategy(self, resource: ResourceType) -> Strategy:
        """The strategy of a resource's kind."""
        if isinstance(resource, CustomResource):
            return resource.strategy
        return self.strategies.get((resource.group, resource.kind), self.default_strategy)

    def resource(self, group: str, plural: str) -> ResourceType:
        """The preferred version of a resource; KeyError for one that is not served."""
        versions = self.registry.versions_of(group, plural)
        if not versions:
            raise KeyError(f"{plural}.{group}")
        return versions[0]

    def tree(self, record: Record) -> Object:
        """A record's decoded object in its stored version: shared, read-only."""
        return self.trees.tree(record)

    def view(self, resource: ResourceType, record: Record) -> Object:
        """A record's object in the version of `resource`: shared, read-only."""
        tree = self.trees.tree(record)
        if isinstance(resource, CustomResource):
            return in_version(tree, resource)
        return tree if tree["apiVersion"] == resource.api_version else convert(tree, resource.api_version)

    def stored_as(self, resource: ResourceType) -> ResourceType:
        """The resource in the version that its objects are stored in; often itself."""
        if resource.is_stored_form:
            return resource
        group = "" if resource.storage_group == "core" else resource.storage_group or resource.group
        return self.registry.lookup(group, resource.storage_version or resource.version, resource.plural) or resource

    def find(self, group: str, plural: str, name: str, namespace: str = "") -> Object | None:
        """Read one object for a check, or None; shared, read-only, in its stored version."""
        versions = self.registry.versions_of(group, plural)
        record = self.store.get(versions[0].key(namespace, name)) if versions else None
        return self.tree(record) if record else None

    def all(self, group: str, plural: str, namespace: str = "") -> Iterator[Object]:
        """Read a collection for a check; shared, read-only, in key order."""
        prefix = self.resource(group, plural).prefix_in(namespace)
        return (self.tree(record) for record in self.store.range(prefix).records)

    def few(self, group: str, plural: str, namespace: str = "") -> Sequence[Object]:
        """The same for a collection that is small and rarely changes, but is looked at with every write."""
        resource = self.resource(group, plural)
        return self.small.of(self.store, resource.prefix, resource.prefix_in(namespace), self.tree)

    def attributes(self, resource: ResourceType, record: Record) -> Attributes:
        """What selectors look at, computed once for a record."""
        if record.attributes is None:
            record.attributes = self.attributes_of(resource, self.tree(record))
        attributes: Attributes = record.attributes
        return attributes

    def attributes_of(self, resource: ResourceType, obj: Object) -> Attributes:
        """Labels and selectable fields of an object, without the empty ones: every record keeps them."""
        metadata: Mapping[str, Any] = obj["metadata"]
        fields = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
        for name, value in self.strategy(resource).selectable_fields(obj).items():
            if value:
                fields[name] = value
        return Attributes(metadata.get("labels") or {}, fields)
