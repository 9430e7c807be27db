"""Whether a CustomResourceDefinition is valid, in upstream's order and words.

Upstream looks at definitions in an older form: what all versions share (schema, subresources, columns, selectable
fields) stands above them, and paths in messages say so (`spec.validation`, `spec.subresources`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.custom.definition import APPROVAL, is_protected, versions_of
from cloudk8s.api.custom.open_api_rules import check_schema, is_readable
from cloudk8s.api.custom.structural_rules import check_defaults, check_structure
from cloudk8s.api.field_errors import FieldError, forbidden, invalid, not_supported, required
from cloudk8s.api.resource import Object
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json

_COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SHARED: Final = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")
"""What may stand above the versions."""
_SEE: Final = "https://github.com/kubernetes/enhancements/pull/1111"


def check_definition(definition: Object) -> list[FieldError]:
    """The findings about the spec, stored versions and approval; metadata is the caller's."""
    spec = definition.get("spec") or {}
    return [
        *_spec(spec),
        *check_stored_versions(definition),
        *_approval(definition),
        *_preserve(spec),
    ]


def check_definition_update(new: Object, old: Object, *, established: bool) -> list[FieldError]:
    """The findings about a changed definition; some fields cannot change once objects may exist."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    found = [*_spec(spec)]
    fields: list[tuple[str, Callable[[Object], Any]]] = [
        ("spec.group", lambda spec: spec.get("group")),
        ("spec.names.plural", lambda spec: spec["names"].get("plural")),
    ]
    if established:
        fields.insert(0, ("spec.scope", lambda spec: spec.get("scope")))
        fields.append(("spec.names.kind", lambda spec: spec["names"].get("kind")))
    for path, read in fields:
        if read(spec) != read(before):
            found.append(invalid(path, read(spec), "field is immutable"))
    return [*found, *check_stored_versions(new), *_approval(new), *_preserve(spec)]


def check_stored_versions(definition: Object) -> Iterator[FieldError]:
    """Every version that objects may be stored in has to be declared, the present one first of all."""
    path = "status.storedVersions"
    stored = (definition.get("status") or {}).get("storedVersions")
    if not stored:
        yield invalid(path, stored, "must have at least one stored version")
        return
    versions = versions_of(definition)
    declared = {version.get("name") for version in versions}
    for index, name in enumerate(stored):
        if name not in declared:
            yield invalid(f"{path}[{index}]", name, _missing(name))
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            yield invalid(path, stored, f"must have the storage version {version.get('name')}")


def _missing(name: str) -> str:
    return (
        f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until "
        f"a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
    )


def _spec(spec: Object) -> Iterator[FieldError]:
    yield from _group(spec.get("group") or "")
    scope = spec.get("scope")
    if not scope:
        yield required("spec.scope")
    elif scope not in ("Cluster", "Namespaced"):
        yield not_supported("spec.scope", scope, ("Cluster", "Namespaced"))
    yield from _versions(spec)
    yield from _names(spec.get("names") or {})
    has_status = any(_has_status(version) for version in spec.get("versions") or ())
    yield from _features(_shared(spec), "spec", "spec.validation", has_status=has_status)
    yield from _conversion(spec.get("conversion") or {})


def _group(group: str) -> Iterator[FieldError]:
    if not group:
        yield required("spec.group")
    elif problems := names.dns_subdomain(group):
        yield invalid("spec.group", group, ",".join(problems))
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def _shared(spec: Object) -> Object:
    """What is the same in all versions."""
    versions: Sequence[Mapping[str, Any]] = spec.get("versions") or ()
    if not versions:
        return {}
    first = versions[0]
    return {
        key: first[key] for key in _SHARED if first.get(key) and all(each.get(key) == first[key] for each in versions)
    }


def _versions(spec: Object) -> Iterator[FieldError]:
    versions: Sequence[Mapping[str, Any]] = spec.get("versions") or ()
    shared = _shared(spec)
    own = [{key: value for key, value in version.items() if key not in shared} for version in versions]
    for index, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            yield required(f"spec.versions[{index}].schema.openAPIV3Schema")
    for index, features in enumerate(own):
        path = f"spec.versions[{index}]"
        name = features.get("name") or ""
        if problems := names.dns_1035_label(name):
            yield invalid(f"{path}.name", name, ",".join(problems))
        yield from _features(features, path, f"{path}.schema", has_status=_has_status(versions[index]))
    yield from _as_a_whole(versions, own)


def _has_status(version: Mapping[str, Any]) -> bool:
    return (version.get("subresources") or {}).get("status") is not None


def _as_a_whole(versions: Sequence[Mapping[str, Any]], own: list[dict[str, Any]]) -> Iterator[FieldError]:
    listed = [version.get("name") for version in versions]
    if len(set(listed)) != len(listed):
        yield invalid("spec.versions", _shown(own), "must contain unique version names")
    if sum(1 for version in versions if version.get("storage")) != 1:
        yield invalid("spec.versions", _shown(own), "must have exactly one version marked as storage version")
    if listed and listed[0] and (problems := names.dns_1035_label(listed[0])):
        yield invalid("spec.version", listed[0], ",".join(problems))


def _shown(versions: list[dict[str, Any]]) -> Any:
    return go_json(versions, "[]CustomResourceDefinitionVersion")


def _names(given: Mapping[str, Any]) -> Iterator[FieldError]:
    path = "spec.names"
    for key in ("plural", "singular", "kind", "listKind"):
        if not given.get(key):
            yield required(f"{path}.{key}")
    for key in ("plural", "singular"):
        if value := given.get(key):
            yield from _label(value, f"{path}.{key}")
    for key in ("kind", "listKind"):
        if (value := given.get(key)) and (problems := names.dns_1035_label(value.lower())):
            text = f"may have mixed case, but should otherwise match: {','.join(problems)}"
            yield invalid(f"{path}.{key}", value, text)
    for index, value in enumerate(given.get("shortNames") or ()):
        yield from _label(value, f"{path}.shortNames[{index}]")
    if given.get("kind") and given.get("kind") == given.get("listKind"):
        yield invalid(f"{path}.listKind", given["listKind"], "kind and listKind may not be the same")
    for index, value in enumerate(given.get("categories") or ()):
        yield from _label(value, f"{path}.categories[{index}]")


def _label(value: str, path: str) -> Iterator[FieldError]:
    if problems := names.dns_1035_label(value):
        yield invalid(path, value, ",".join(problems))


def _features(version: Mapping[str, Any], path: str, schema_path: str, *, has_status: bool) -> Iterator[FieldError]:
    """What a version, or all of them, say of their objects."""
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is not None:
        yield from _schema(schema, f"{schema_path}.openAPIV3Schema", has_status=has_status)
    yield from _subresources(version.get("subresources") or {}, f"{path}.subresources")
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, f"{path}.additionalPrinterColumns[{index}]")
    for index, field in enumerate(version.get("selectableFields") or ()):
        yield from _selectable(field, schema, f"{path}.selectableFields[{index}]")


def _schema(schema: Mapping[str, Any], path: str, *, has_status: bool) -> Iterator[FieldError]:
    type = schema.get("type")
    if has_status and type and type != "object":
        text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        yield invalid(f"{path}.type", type, text)
    if schema.get("nullable"):
        yield forbidden(f"{path}.nullable", "nullable cannot be true at the root")
    if is_readable(schema):
        yield from check_structure(schema, path) or check_defaults(schema, path)
    yield from check_schema(schema, path)


def _column(column: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    if not column.get("name"):
        yield required(f"{path}.name")
    type, format = column.get("type") or "", column.get("format") or ""
    if not type:
        yield required(f"{path}.type", f"must be one of {','.join(_COLUMN_TYPES)}")
    elif type not in _COLUMN_TYPES:
        yield invalid(f"{path}.type", type, f"must be one of {','.join(_COLUMN_TYPES)}")
    if format and format not in _COLUMN_FORMATS:
        yield invalid(f"{path}.format", format, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not column.get("jsonPath"):
        yield required(f"{path}.JSONPath")
    else:
        yield from _simple_path(column["jsonPath"], f"{path}.JSONPath")


def _subresources(given: Mapping[str, Any], path: str) -> Iterator[FieldError]:
    scale = given.get("scale")
    if scale is None:
        return
    for key, parents, must in (
        ("specReplicasPath", (".spec.",), "should be a json path under .spec"),
        ("statusReplicasPath", (".status.",), "should be a json path under .status"),
        ("labelSelectorPath", (".spec.", ".status."), "should be a json path under either .spec or .status"),
    ):
        value = scale.get(key) or ""
        where = f"{path}.scale.{key}"
        if not value:
            if key != "labelSelectorPath":
                yield required(where)
            continue
        problems = list(_simple_path(value, where))
        yield from problems
        if not problems and not value.startswith(parents):
            yield invalid(where, value, must)


def _simple_path(value: str, path: str) -> Iterator[FieldError]:
    if not value.startswith("."):
        yield invalid(path, value, "must be a simple json path starting with .")


def _selectable(field: Mapping[str, Any], schema: Mapping[str, Any] | None, path: str) -> Iterator[FieldError]:
    value = field.get("jsonPath") or ""
    where = f"{path}.jsonPath"
    if not value:
        yield required(where)
        return
    if value.startswith(".metadata.") or value == ".metadata":
        yield invalid(where, value, "must not point to fields in metadata")
        return
    found: Any = schema or {}
    for part in value.strip(".").split("."):
        found = (found.get("properties") or {}).get(part) if isinstance(found, Mapping) else None
    if found is None or not value.startswith("."):
        yield invalid(where, value, "is an invalid path: does not refer to a valid field")
    elif found.get("type") not in ("string", "boolean", "integer"):
        yield invalid(where, value, "must point to a field of type string, boolean or integer")


def _conversion(conversion: Mapping[str, Any]) -> Iterator[FieldError]:
    path, strategy = "spec.conversion", conversion.get("strategy") or ""
    webhook = conversion.get("webhook")
    if not strategy:
        yield required(f"{path}.strategy")
    elif strategy not in ("None", "Webhook"):
        yield not_supported(f"{path}.strategy", strategy, ("None", "Webhook"))
    elif strategy == "Webhook":
        if not (webhook or {}).get("clientConfig"):
            yield required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
        if not (webhook or {}).get("conversionReviewVersions"):
            yield required(f"{path}.conversionReviewVersions")
    elif webhook:
        text = "should not be set when strategy is not set to Webhook"
        if webhook.get("clientConfig"):
            yield forbidden(f"{path}.webhookClientConfig", text)
        if webhook.get("conversionReviewVersions"):
            yield forbidden(f"{path}.conversionReviewVersions", text)


def _approval(definition: Object) -> Iterator[FieldError]:
    if not is_protected((definition.get("spec") or {}).get("group") or ""):
        return
    path = f"metadata.annotations[{APPROVAL}]"
    given = (definition["metadata"].get("annotations") or {}).get(APPROVAL, "")
    if not given:
        yield required(path, f'protected groups must have approval annotation "{APPROVAL}", see {_SEE}')
    elif not given.startswith(("unapproved", "http://", "https://")):
        text = f'protected groups must have approval annotation "{APPROVAL}" with either a URL or a reason starting '
        yield invalid(path, given, f'{text}with "unapproved", see {_SEE}')


def _preserve(spec: Object) -> Iterator[FieldError]:
    if spec.get("preserveUnknownFields"):
        text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid("spec.preserveUnknownFields", True, text)
