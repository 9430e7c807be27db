"""Make the registry file from packages that carry the Kubernetes definitions.

In: `kubernetes-validate` (types of a version), `lightkube-models` (plurals, scopes, verbs, most subresources) and
`cloudk8s.api.catalog`. Out: the bytes that `cloudk8s.api.registry_file` reads. It runs where a wheel is built, so it
imports the standard library only, and reads those packages' files without importing them.

    python -m cloudk8s.api.registry_build [VERSION]
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TypeAlias

from cloudk8s.api import catalog, registry_file
from cloudk8s.api.versions import priority_order

DEFAULT_VERSION: Final = "1.37"
TypeKey: TypeAlias = tuple[str, str, str]
"""Group, version and kind."""
SCHEMAS, MODELS = "kubernetes-validate", "lightkube-models"

_ALWAYS = (
    "io.k8s.apimachinery.pkg.apis.meta.v1.",
    "io.k8s.apimachinery.pkg.version.Info",
    "io.k8s.api.core.v1.PodTemplateSpec",
)
_VERBS = {"post": "create", "put": "update", "global_list": "list", "global_watch": "watch"}


class SchemaPackagesMissing(Exception):
    """A package that carries definitions is not installed, or does not carry the version asked for."""


@dataclass(frozen=True, slots=True)
class Model:
    """One resource or subresource class of lightkube-models."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...]
    subresource: str
    parent: tuple[str, str, str] | None


def build(version: str = DEFAULT_VERSION) -> bytes:
    """The registry file of one Kubernetes minor version."""
    definitions = read_definitions(version)
    by_kind = definitions_by_kind(definitions)
    resources = list(_resources(by_kind, _before(version, by_kind)))
    keep = reachable(definitions, _roots(resources, definitions, by_kind))
    header = {"version": version, "sources": sources(), "resources": resources}
    return registry_file.pack(header, {name: strip(definitions[name]) for name in sorted(keep)})


def sources() -> str:
    """A digest of what decides the file's content besides the packages; a file with another one is stale."""
    parts = (Path(str(module)).read_bytes() for module in (__file__, catalog.__file__, registry_file.__file__))
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def write(path: Path, version: str = DEFAULT_VERSION) -> None:
    """Write the registry file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{version}.partial")
    partial.write_bytes(build(version))
    partial.replace(path)


def read_definitions(version: str) -> dict[str, Any]:
    """All definitions of one Kubernetes minor version, by name."""
    for file in _files(SCHEMAS, "_definitions.json"):
        if file.parent.name.startswith(f"v{version}.") and not file.parent.name.endswith("-strict"):
            text = file.read_text().replace('"#/$defs/', '"')
            definitions: dict[str, Any] = json.loads(text)["$defs"]
            return definitions
    raise SchemaPackagesMissing(f"{SCHEMAS} carries no Kubernetes {version}; it has {', '.join(versions())}")


def versions() -> list[str]:
    """The Kubernetes minor versions that can be built, oldest first."""
    names = {file.parent.name for file in _files(SCHEMAS, "_definitions.json")}
    found = {match[1] for name in names if (match := re.match(r"v(\d+\.\d+)\.", name))}
    return sorted(found, key=lambda text: [int(part) for part in text.split(".")])


def definitions_by_kind(definitions: Mapping[str, Any]) -> dict[TypeKey, str]:
    """Definition names by group, version and kind; kinds that several groups share (DeleteOptions) are left out."""
    found: dict[TypeKey, str] = {}
    for name, definition in definitions.items():
        marks = definition.get("x-kubernetes-group-version-kind", [])
        if len(marks) == 1:
            found[marks[0]["group"], marks[0]["version"], marks[0]["kind"]] = name
    return found


def reachable(definitions: Mapping[str, Any], roots: Iterable[str]) -> set[str]:
    """The roots and every definition they refer to."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name not in definitions:
            continue
        found.add(name)
        waiting.extend(_references(definitions[name]))
    return found


def strip(node: Any) -> Any:
    """Undo what the schema package added for plain JSON Schema validators: null types, enums of kind and apiVersion."""
    if isinstance(node, list):
        return [strip(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key != "enum" or not isinstance(value, list)}
    types = kept.get("type")
    if isinstance(types, list):
        kept["type"] = next(item for item in types if item != "null")
    return {key: strip(value) for key, value in kept.items()}


def _before(version: str, by_kind: Mapping[TypeKey, str]) -> dict[TypeKey, str]:
    """The version that kinds were of a release earlier, for those that have moved on.

    Upstream goes on storing a new version's objects in the former one for a release, so that it can be undone, and
    publishes a hash of that.
    """
    known = versions()
    earlier = known[: known.index(version)][-1:]
    former = definitions_by_kind(read_definitions(earlier[0])) if earlier else dict(by_kind)
    found: dict[TypeKey, str] = {}
    for key in by_kind.keys() - former.keys():
        others = priority_order(other[1] for other in former if (other[0], other[2]) == (key[0], key[2]))
        if others:
            found[key] = others[0]
    return found


def _resources(by_kind: Mapping[TypeKey, str], before: Mapping[TypeKey, str]) -> Iterator[dict[str, Any]]:
    models = [model for model in _models() if not _is_off(model)]
    for group in catalog.GROUPS:
        for version in group.versions:
            mine = [model for model in models if _place(model) == (group.name, version)]
            for model in sorted(mine, key=lambda model: model.plural):
                if not model.subresource and (group.name, version, model.kind) in by_kind:
                    yield _resource(model, mine, by_kind, before)


def _is_off(model: Model) -> bool:
    return model.plural in catalog.OFF or f"{model.plural}/{model.subresource}" in catalog.OFF


def _place(model: Model) -> tuple[str, str]:
    return model.parent[:2] if model.parent else (model.group, model.version)


def _resource(
    model: Model, siblings: list[Model], by_kind: Mapping[TypeKey, str], before: Mapping[TypeKey, str]
) -> dict[str, Any]:
    key = (model.group, model.version, model.kind)
    subresources = [_subresource(item, key) for item in siblings if item.parent == key]
    connects = {} if model.group else catalog.CONNECT.get(model.plural, {})
    subresources += [{"name": name, "kind": kind, "verbs": verbs} for name, (kind, verbs) in connects.items()]
    storage = catalog.STORAGE.get((model.group, model.plural), ("", ""))
    return {
        "group": model.group,
        "version": model.version,
        "kind": model.kind,
        "plural": model.plural,
        "singular": model.kind.lower(),
        "namespaced": model.namespaced,
        "verbs": catalog.VERBS.get(model.plural, model.verbs),
        "short_names": catalog.SHORT_NAMES.get(model.plural, ()),
        "categories": [name for name, plurals in catalog.CATEGORIES.items() if model.plural in plurals],
        "subresources": sorted(subresources, key=lambda item: str(item["name"])),
        "definition": by_kind[key],
        "storage_group": _storage_group(model, storage),
        "storage_version": storage[1],
        "is_virtual": model.plural in catalog.VIRTUAL,
        "published_version": storage[1] or before.get(key, ""),
    }


def _storage_group(model: Model, storage: tuple[str, str]) -> str:
    """The segment that stands for the core group where another group's objects are kept in it."""
    return ("core" if storage[1] and not storage[0] else storage[0]) if storage[0] != model.group else ""


def _subresource(model: Model, parent: tuple[str, str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": model.subresource, "kind": model.kind, "verbs": model.verbs}
    if (model.group, model.version) != parent[:2]:
        entry |= {"group": model.group, "version": model.version}
    return entry


def _models() -> Iterator[Model]:
    """Every resource class of lightkube-models, read from its source."""
    for file in _files(MODELS, ".py"):
        if file.parent.name == "resources" and file.name != "__init__.py":
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef) and (call := _api_info(node)) is not None:
                    yield _model(node, call)


def _api_info(node: ast.ClassDef) -> ast.Call | None:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "_api_info":
            return statement.value if isinstance(statement.value, ast.Call) else None
    return None


def _model(node: ast.ClassDef, call: ast.Call) -> Model:
    values = {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords}
    group, version, kind = values["resource"]
    verbs = {_VERBS.get(verb, verb) for verb in values["verbs"]}
    return Model(
        group,
        version,
        kind,
        plural=values["plural"],
        namespaced="Namespaced" in ast.unparse(node.bases[0]),
        verbs=tuple(sorted(verbs)),
        subresource=values.get("action", ""),
        parent=values.get("parent"),
    )


def _literal(node: ast.expr) -> Any:
    """A literal; of a call such as `res.ResourceDef('', 'v1', 'Pod')` its arguments as a tuple."""
    if isinstance(node, ast.Call):
        return tuple(ast.literal_eval(argument) for argument in node.args)
    return ast.literal_eval(node)


def _roots(
    resources: list[dict[str, Any]],
    definitions: Mapping[str, Any],
    by_kind: Mapping[TypeKey, str],
) -> Iterator[str]:
    yield from (name for name in definitions if name.startswith(_ALWAYS))
    for resource in resources:
        key = (resource["group"], resource["version"])
        yield resource["definition"]
        yield by_kind.get((*key, resource["kind"] + "List"), "")
        for item in resource["subresources"]:
            yield by_kind.get((item.get("group", key[0]), item.get("version", key[1]), item["kind"]), "")


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _files(package: str, suffix: str) -> list[Path]:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError as error:
        raise SchemaPackagesMissing(f"package {package} is not installed") from error
    return sorted(Path(str(file.locate())) for file in files if str(file).endswith(suffix))


if __name__ == "__main__":
    write(registry_file.BUNDLED, *sys.argv[1:2])
