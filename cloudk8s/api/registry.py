"""The registry: every served resource by name, and the schema of every type.

Built-in resources come from the registry file; custom ones are added and removed while the server runs. Readers that
cache something made from the registry (discovery, OpenAPI) compare its `generation`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudk8s.api import catalog, registry_build, registry_file
from cloudk8s.api.definitions import Definitions
from cloudk8s.api.features import FeatureGates
from cloudk8s.api.resource import GroupResource, ResourceType, Subresource
from cloudk8s.api.versions import priority_order
from cloudk8s.errors import UserError
from cloudk8s.machinery.schema import Schema

CUSTOM_PRIORITY = 1000
"""Group priority that upstream gives to groups of custom resources."""
EXTENSION_PRIORITY = 100
"""Group priority of what upstream leaves to extension servers and this one answers itself."""


@dataclass(frozen=True, slots=True)
class Group:
    """One served API group; the first version is the preferred one."""

    name: str
    versions: tuple[str, ...]
    priority: int

    @property
    def preferred(self) -> str:
        return self.versions[0]


class Registry:
    """What a server of one Kubernetes version serves. Lookups are dictionary reads; for one thread only."""

    def __init__(
        self,
        version: str,
        definitions: Definitions,
        resources: Iterable[ResourceType],
        published_versions: Mapping[ResourceType, str],
        features: FeatureGates | None = None,
    ) -> None:
        self.version = version
        self.features = features or FeatureGates(version)
        self.definitions = definitions
        self.published_versions = published_versions
        """The version that discovery says a resource is stored in, where it is not the resource's own."""
        self.generation = 0
        """Grows with every change; what was made at another generation is stale."""
        self._built_in = tuple(resources)
        self._custom: dict[GroupResource, tuple[ResourceType, ...]] = {}
        self._extensions: dict[str, tuple[ResourceType, ...]] = {}
        self._index()

    def lookup(self, group: str, version: str, plural: str) -> ResourceType | None:
        """The resource of that name, None if it is not served."""
        return self._by_plural.get((group, version, plural))

    def lookup_kind(self, group: str, version: str, kind: str) -> ResourceType | None:
        """The resource whose objects are of that kind, None if it is not served."""
        return self._by_kind.get((group, version, kind))

    def resources(self, group: str | None = None, version: str | None = None) -> tuple[ResourceType, ...]:
        """All served resources, or those of one group or group and version, in the order of discovery."""
        if group is None:
            return self._all
        return tuple(item for item in self._all if item.group == group and version in (None, item.version))

    def versions_of(self, group: str, plural: str) -> tuple[ResourceType, ...]:
        """The resource in each version that is served, the preferred one first."""
        found = self._versions.get((group, plural))
        if found is None:
            served = self.group(group)
            items = (self.lookup(group, version, plural) for version in (served.versions if served else ()))
            found = tuple(item for item in items if item is not None)
            if found:
                self._versions[group, plural] = found
        return found

    def groups(self) -> tuple[Group, ...]:
        """The served groups in upstream's order, the core group first."""
        return tuple(self._groups.values())

    def group(self, name: str) -> Group | None:
        return self._groups.get(name)

    def schema(self, group: str, version: str, kind: str) -> Schema | None:
        """The schema of any kind, also of those that are no resource (`Scale`, `Eviction`, `DeleteOptions`)."""
        if (resource := self.lookup_kind(group, version, kind)) is not None:
            return resource.schema
        prefix = self._definition_prefixes.get(group, "")
        for name in (f"{prefix}.{version}.{kind}", f"io.k8s.apimachinery.pkg.apis.meta.{version}.{kind}"):
            if name in self.definitions:
                return self.definitions[name]
        return None

    def add_custom(self, resources: Iterable[ResourceType]) -> None:
        """Serve one custom resource in these versions, replacing what is served of it now."""
        added = tuple(resources)
        names = {item.group_resource for item in added}
        if len(names) != 1:
            raise ValueError(f"one custom resource at a time, not {sorted(map(str, names))}")
        self._custom[names.pop()] = added
        self._changed()

    def remove_custom(self, name: GroupResource) -> None:
        """Serve the custom resource no longer; nothing happens where it is not served."""
        if self._custom.pop(name, None) is not None:
            self._changed()

    def serve_extension(self, group: str, resources: Iterable[ResourceType]) -> None:
        """Serve these in a group that not every server answers, and of which nothing is stored; none is no group."""
        self._extensions[group] = tuple(resources)
        self._changed()

    @property
    def custom(self) -> Mapping[GroupResource, tuple[ResourceType, ...]]:
        """The custom resources served now, in all their versions."""
        return self._custom

    def _changed(self) -> None:
        self.generation += 1
        self._index()

    def _index(self) -> None:
        custom = sorted((item for items in self._custom.values() for item in items), key=lambda item: item.plural)
        extensions = [item for items in self._extensions.values() for item in items]
        self._all = (*self._built_in, *custom, *extensions)
        self._by_plural = {(item.group, item.version, item.plural): item for item in reversed(self._all)}
        self._by_kind = {(item.group, item.version, item.kind): item for item in reversed(self._all)}
        self._groups = {group.name: group for group in _groups((*self._built_in, *custom), extensions)}
        self._versions: dict[tuple[str, str], tuple[ResourceType, ...]] = {}
        self._definition_prefixes = {group.name: group.definitions for group in catalog.GROUPS}


def load_registry(version: str = registry_build.DEFAULT_VERSION, features: FeatureGates | None = None) -> Registry:
    """The registry of one Kubernetes minor version.

    The default version comes with the package; in a checkout, and for other versions, it is made from the packages of
    the extra `schemas` and kept in the user's cache directory. Raises UserError where these are not installed.
    """
    file = _bundled(version) or _cached(version)
    definitions = Definitions(file)
    resources = [_resource(row, definitions, file.version) for row in file.resources]
    published = (row["published_version"] for row in file.resources)
    return Registry(version, definitions, resources, dict(zip(resources, published, strict=True)), features)


def _bundled(version: str) -> registry_file.RegistryFile | None:
    if version != registry_build.DEFAULT_VERSION:
        return None
    return _open(registry_file.BUNDLED, version)


def _cached(version: str) -> registry_file.RegistryFile:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = home / "cloudk8s" / f"registry-{version}.bin"
    if (found := _open(path, version)) is not None:
        return found
    try:
        registry_build.write(path, version)
    except registry_build.SchemaPackagesMissing as error:
        raise UserError(f"Kubernetes {version} is not available: {error}; pip install 'cloudk8s[schemas]'") from error
    return registry_file.RegistryFile(path.read_bytes())


def _open(path: Path, version: str) -> registry_file.RegistryFile | None:
    """The file, or None where it is absent or stale."""
    try:
        file = registry_file.RegistryFile(path.read_bytes())
    except (FileNotFoundError, registry_file.CorruptRegistry):
        return None
    return file if (file.version, file.sources) == (version, registry_build.sources()) else None


def _resource(row: Mapping[str, Any], definitions: Definitions, served: str) -> ResourceType:
    return ResourceType(
        group=row["group"],
        version=row["version"],
        kind=row["kind"],
        plural=row["plural"],
        singular=row["singular"],
        namespaced=row["namespaced"],
        verbs=tuple(row["verbs"]),
        short_names=tuple(row["short_names"]),
        categories=tuple(row["categories"]),
        subresources={item["name"]: _subresource(item) for item in row["subresources"]},
        schema=definitions[row["definition"]],
        storage_version=row["storage_version"],
        storage_group=row["storage_group"],
        is_virtual=row["is_virtual"],
        list_kind=row["kind"] + "List",
        deprecation_warning=catalog.deprecation_warning(
            row["group"], row["plural"], f"{row['version']} {row['kind']}", served
        ),
    )


def _subresource(row: Mapping[str, Any]) -> Subresource:
    return Subresource(row["name"], row["kind"], tuple(row["verbs"]), row.get("group", ""), row.get("version", ""))


def _groups(resources: Iterable[ResourceType], extensions: Iterable[ResourceType]) -> Iterator[Group]:
    served: dict[str, set[str]] = {}
    for item in resources:
        served.setdefault(item.group, set()).add(item.version)
    known = {group.name for group in catalog.GROUPS}
    for group in catalog.GROUPS:
        if versions := served.get(group.name):
            first = tuple(version for version in group.versions if version in versions)
            rest = priority_order(versions - set(first))
            yield Group(group.name, (*first, *rest), group.priority)
    for name in sorted(served.keys() - known):
        yield Group(name, tuple(priority_order(served[name])), CUSTOM_PRIORITY)
    added = sorted({(item.group, item.version) for item in extensions if item.group not in served})
    for name in sorted({group for group, _ in added}):
        versions = {version for group, version in added if group == name}
        yield Group(name, tuple(priority_order(versions)), EXTENSION_PRIORITY)
