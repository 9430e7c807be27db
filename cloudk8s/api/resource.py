"""What a resource is: its names, scope, verbs and schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cloudk8s.machinery.schema import Schema

Object = dict[str, Any]
"""A Kubernetes object as plain JSON; never changed once it is stored."""


class GroupVersion(NamedTuple):
    """A group and a version; the core group is empty."""

    group: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @classmethod
    def parse(cls, text: str) -> GroupVersion:
        """Read `apps/v1` or `v1`."""
        group, _, version = text.rpartition("/")
        return cls(group, version)


class GroupResource(NamedTuple):
    """A resource whatever its version."""

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class Subresource:
    """`pods/log`, `deployments/scale` …: the kind it speaks may be another group's."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""
    """Group and version of `kind`; both empty where they are the resource's own."""


@dataclass(frozen=True, slots=True)
class Column:
    """One printer column: a fixed one of a built-in kind or a CRD's `additionalPrinterColumns` entry."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    json_path: str = ""


@dataclass(frozen=True, eq=False)
class ResourceType:
    """One served resource of one version, built-in or custom; compared by identity."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: Mapping[str, Subresource] = field(default_factory=dict)
    schema: Schema = field(default_factory=Schema)
    storage_version: str = ""
    """Version that objects are stored in; empty is `version`."""
    storage_group: str = ""
    """Group that objects are stored under, where two groups share one store (events); empty is `group`."""
    is_virtual: bool = False
    """Nothing is stored: reviews, bindings, component statuses."""
    custom: Object | None = None
    """The CustomResourceDefinition that defines it; None for built-in kinds."""
    list_kind: str = ""
    deprecation_warning: str = ""
    """What every request for it is warned of; empty where it is not deprecated."""

    prefix: str = field(init=False, default="")
    """Where its objects are stored, with a trailing slash."""

    def __post_init__(self) -> None:
        place = f"/registry/{self.storage_group or self.group or 'core'}/{self.plural}/"
        object.__setattr__(self, "prefix", place)

    @property
    def is_stored_form(self) -> bool:
        """Whether objects are stored in this version and group, and so are complete when they are read."""
        return self.storage_version in ("", self.version) and not self.storage_group

    @property
    def group_version(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.plural)

    def key(self, namespace: str, name: str) -> str:
        """The storage key of one object."""
        return f"{self.prefix}{namespace}/{name}" if self.namespaced else self.prefix + name

    def prefix_in(self, namespace: str) -> str:
        """The storage prefix of one namespace, or of all where `namespace` is empty."""
        return f"{self.prefix}{namespace}/" if self.namespaced and namespace else self.prefix
