"""Objects of one kind as seen in each of its versions, with the compiled types to walk them."""

from __future__ import annotations

from typing import Any

from cloudk8s.machinery.apply.compiler import Compiler
from cloudk8s.machinery.apply.fieldset import FieldSet, recursive_difference, union
from cloudk8s.machinery.apply.type import Type
from cloudk8s.machinery.apply.versions import Versions


class Views:
    """Types by version, compiled once."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._compiler = Compiler()
        self._types: dict[str, Type | None] = {}

    def type_in(self, api_version: str) -> Type | None:
        """The kind's type in a version, None where that is not served."""
        if api_version not in self._types:
            schema = self._versions.schema(api_version)
            self._types[api_version] = None if schema is None else self._compiler.type_of(schema)
        return self._types[api_version]

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        return self._versions.convert(obj, api_version)


class Changes:
    """What differs between two states of an object, in whatever version is asked for."""

    def __init__(self, views: Views, old: dict[str, Any], new: dict[str, Any], ignored: FieldSet) -> None:
        self._views = views
        self._old = old
        self._new = new
        self._ignored = ignored
        self._known: dict[str, tuple[FieldSet, FieldSet] | None] = {}

    def of(self, api_version: str, *, is_native: bool = False) -> tuple[FieldSet, FieldSet] | None:
        """What was set (added or modified) and what was removed; None where the version is not served."""
        if api_version not in self._known:
            self._known[api_version] = self._compared(api_version, is_native)
        return self._known[api_version]

    def _compared(self, api_version: str, is_native: bool) -> tuple[FieldSet, FieldSet] | None:
        type = self._views.type_in(api_version)
        if type is None:
            return None
        old, new = self._old, self._new
        if not is_native:
            old, new = self._views.convert(old, api_version), self._views.convert(new, api_version)
        found = type.compare(old, new)
        changed = union(found.added or {}, found.modified or {})
        removed = found.removed or {}
        if not self._ignored:
            return changed, removed
        return recursive_difference(changed, self._ignored), recursive_difference(removed, self._ignored)
