"""The behaviour of custom resources: what a definition says, in the shape that built-in kinds have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.api.custom import scale
from cloudk8s.api.custom.defaulting import apply_defaults
from cloudk8s.api.custom.embedded import validate_embedded
from cloudk8s.api.custom.list_types import validate_lists
from cloudk8s.api.custom.paths import read_path
from cloudk8s.api.custom.values import ABSENT, Validate, compile_validator
from cloudk8s.api.field_errors import FieldError, invalid
from cloudk8s.api.resource import Object
from cloudk8s.api.strategy import Strategy
from cloudk8s.api.validation import metadata, names
from cloudk8s.machinery import codec
from cloudk8s.machinery.schema import Schema

Rules = Callable[[Object, Object | None, list[FieldError]], list[FieldError]]
"""Checks `x-kubernetes-validations`: new object, old one, findings so far; returns more findings."""


def no_rules(new: Object, old: Object | None, found: list[FieldError]) -> list[FieldError]:
    """Where nobody evaluates rules."""
    return []


class CustomStrategy(Strategy):
    """One version of one custom resource."""

    allow_unconditional_update = False

    def __init__(
        self, *, api_version: str, kind: str, namespaced: bool, schema: Schema, version: Mapping[str, Any]
    ) -> None:
        self._type = (api_version, kind)
        self._namespaced = namespaced
        self._schema = schema
        self._raw = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        self._subresources = version.get("subresources") or {}
        self._fields = tuple(field["jsonPath"] for field in version.get("selectableFields") or ())
        self._validator: Validate | None = None
        self.rules: Rules = no_rules
        """Evaluates the schema's CEL rules; set by whoever can."""

    @property
    def has_status(self) -> bool:
        """Whether the status is written by its subresource only."""
        return self._subresources.get("status") is not None

    def set_defaults(self, obj: Object) -> None:
        apply_defaults(obj, self._schema)

    def prepare_create(self, obj: Object) -> None:
        if self.has_status:
            obj.pop("status", None)

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        if subresource == "status":
            self._keep_all_but_status(new, old)
        elif self.has_status:
            _carry(new, old, "status")

    def _keep_all_but_status(self, new: Object, old: Object) -> None:
        """A status update changes the status and, of the metadata, only what the server itself manages."""
        status, managed = new.get("status"), new["metadata"].get("managedFields")
        given = new["metadata"]
        new.clear()
        new.update(codec.copy({key: value for key, value in old.items() if key != "status"}))
        if status is not None:
            new["status"] = status
        if managed is not None:
            new["metadata"]["managedFields"] = managed
        if given.get("resourceVersion"):
            new["metadata"]["resourceVersion"] = given["resourceVersion"]

    def spec_changed(self, new: Object, old: Object) -> bool:
        ignored = {"metadata", "status"} if self.has_status else {"metadata"}
        return _without(new, ignored) != _without(old, ignored)

    def validate_create(self, obj: Object) -> list[FieldError]:
        if wrong := self._wrong_type(obj):
            return wrong
        found = metadata.validate_accessor(obj["metadata"], namespaced=self._namespaced, name_rule=names.dns_subdomain)
        return self._checked(found, obj, None)

    def validate_update(self, new: Object, old: Object, subresource: str = "") -> list[FieldError]:
        if wrong := self._wrong_type(new):
            return wrong
        found = metadata.validate_common_update(new, old, namespaced=self._namespaced)
        return self._checked(found, new, old)

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        before = (old or {}).get("metadata", {}).get("finalizers") or ()
        added = sorted(set(new["metadata"].get("finalizers") or ()).difference(before))
        return [metadata.finalizer_warning(name) for name in added if not metadata.is_known_finalizer(name)]

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {path.removeprefix("."): _as_text(read_path(obj, path)) for path in self._fields}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset(path.removeprefix(".") for path in self._fields)

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.dns_subdomain

    def _checked(self, found: list[FieldError], obj: Object, old: Object | None) -> list[FieldError]:
        found = [*found, *self._validate_values(obj, old)]
        found += scale.validate(obj, self._subresources.get("scale"))
        found += validate_embedded(obj, self._schema)
        found += validate_lists(obj, self._schema)
        return found + self.rules(obj, old, found)

    def _validate_values(self, obj: Object, old: Object | None) -> list[FieldError]:
        if self._validator is None:
            self._validator = compile_validator(self._raw)
        return self._validator(obj, "", ABSENT if old is None else old)

    def _wrong_type(self, obj: Object) -> list[FieldError]:
        api_version, kind = self._type
        if obj.get("kind") != kind:
            return [invalid("kind", obj.get("kind"), f"must be {kind}")]
        if obj.get("apiVersion") != api_version:
            return [invalid("apiVersion", obj.get("apiVersion"), f"must be {api_version}")]
        return []


def _carry(new: Object, old: Object, key: str) -> None:
    if key in old:
        new[key] = old[key]
    else:
        new.pop(key, None)


def _without(obj: Object, keys: set[str]) -> Object:
    return {key: value for key, value in obj.items() if key not in keys}


def _as_text(value: Any) -> str:
    """A selectable field's value as a selector compares it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else codec.encode(value).decode()
