"""From an accepted definition to the resource types that a server serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.api.custom.definition import condition_is_true
from cloudk8s.api.custom.schema import compile_schema
from cloudk8s.api.custom.strategy import CustomStrategy
from cloudk8s.api.resource import Object, ResourceType, Subresource
from cloudk8s.api.strategy import Strategy
from cloudk8s.api.versions import priority_order
from cloudk8s.machinery.schema import Schema

VERBS: Final = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""In the order in which upstream lists them for custom resources."""

_SUBRESOURCE_VERBS: Final = ("get", "patch", "update")


@dataclass(frozen=True, eq=False)
class CustomResource(ResourceType):
    """One served version of a custom resource, with the behaviour that its definition gives it."""

    strategy: Strategy = field(default_factory=Strategy)
    scale: Mapping[str, Any] | None = None
    """Paths of the scale subresource; None where there is none."""

    @property
    def is_terminating(self) -> bool:
        """Whether the definition is being deleted, so that no objects may be made."""
        return condition_is_true(self.custom or {}, "Terminating")


def custom_resources(definition: Object, metadata: Schema) -> list[CustomResource]:
    """The served versions of an established definition, the preferred one first; `metadata` is ObjectMeta's schema."""
    spec = definition["spec"]
    versions = {version["name"]: version for version in spec["versions"] if version.get("served")}
    return [_resource(definition, versions[name], metadata) for name in priority_order(versions)]


def storage_version(definition: Object) -> str:
    """The version that objects are stored in."""
    name: str = next(version["name"] for version in definition["spec"]["versions"] if version.get("storage"))
    return name


def schema_of(version: Mapping[str, Any]) -> Mapping[str, Any]:
    """The structural schema of one version of a definition."""
    schema: Mapping[str, Any] = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    return schema


def _resource(definition: Object, version: Mapping[str, Any], metadata: Schema) -> CustomResource:
    spec = definition["spec"]
    names = (definition.get("status") or {}).get("acceptedNames") or spec["names"]
    schema = compile_schema(schema_of(version), metadata)
    subresources = version.get("subresources") or {}
    namespaced = spec["scope"] == "Namespaced"
    return CustomResource(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        namespaced=namespaced,
        verbs=VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=_subresources(subresources, names["kind"]),
        schema=schema,
        storage_version=storage_version(definition),
        custom=definition,
        list_kind=names.get("listKind") or names["kind"] + "List",
        strategy=CustomStrategy(
            api_version=f"{spec['group']}/{version['name']}",
            kind=names["kind"],
            namespaced=namespaced,
            schema=schema,
            version=version,
        ),
        scale=subresources.get("scale"),
        deprecation_warning=_deprecation_warning(spec, version, names["kind"]),
    )


def _subresources(given: Mapping[str, Any], kind: str) -> dict[str, Subresource]:
    made: dict[str, Subresource] = {}
    if given.get("status") is not None:
        made["status"] = Subresource("status", kind, _SUBRESOURCE_VERBS)
    if given.get("scale") is not None:
        made["scale"] = Subresource("scale", "Scale", _SUBRESOURCE_VERBS, "autoscaling", "v1")
    return made


def _deprecation_warning(spec: Mapping[str, Any], version: Mapping[str, Any], kind: str) -> str:
    """The text given, or one that names the version to use instead: the newest that is served and not deprecated."""
    if not version.get("deprecated"):
        return ""
    if (text := version.get("deprecationWarning")) is not None:
        return str(text)
    warning = f"{spec['group']}/{version['name']} {kind} is deprecated"
    good = [other["name"] for other in spec["versions"] if other.get("served") and not other.get("deprecated")]
    newest = priority_order(good)[:1]
    if newest and priority_order([version["name"], newest[0]])[0] == newest[0]:
        warning += f"; use {spec['group']}/{newest[0]} {kind}"
    return warning
