"""Values without a declared type: objects are owned field by field, lists and scalars as a whole."""

from __future__ import annotations

from typing import Any

from cloudk8s.machinery.apply.fieldset import LEAF, SELF, FieldSet
from cloudk8s.machinery.apply.leaf_type import AtomicType, ScalarType
from cloudk8s.machinery.apply.map_type import MapType
from cloudk8s.machinery.apply.type import Comparison, Findings, Type


class DeducedType(Type):
    """Takes each value for what it is. One instance serves all."""

    def __init__(self) -> None:
        self._map = MapType({}, lambda schema: self, entry=self, is_open=True)
        self._list = AtomicType(self)
        self._scalar = ScalarType("untyped")

    def full(self, value: Any) -> FieldSet:
        return self._of(value).full(value)

    def compare(self, old: Any, new: Any) -> Comparison:
        before, after = self._of(old), self._of(new)
        if old is None or before is after:
            return after.compare(old, new)
        if new is None:
            return before.compare(old, new)
        return self._compare_kinds(old, new)

    def applied(self, value: Any) -> FieldSet | None:
        return self._of(value).applied(value)

    def merge(self, live: Any, config: Any) -> Any:
        if isinstance(live, dict) and isinstance(config, dict):
            return self._map.merge(live, config)
        return config

    def remove(self, value: Any, fields: FieldSet, emptied: Any) -> Any:
        return self._of(value).remove(value, fields, emptied)

    def named(self, fields: FieldSet) -> FieldSet:
        return fields

    def reconciled(self, fields: FieldSet) -> FieldSet:
        return fields

    def check(self, value: Any) -> Findings:
        return []

    def _of(self, value: Any) -> Type:
        return self._map if isinstance(value, dict) else self._list if isinstance(value, list) else self._scalar

    def _compare_kinds(self, old: Any, new: Any) -> Comparison:
        """A value became one of another kind: it changed, and what is inside an object came or went with it."""
        return Comparison(added=self._inside(new), modified=LEAF, removed=self._inside(old))

    def _inside(self, value: Any) -> FieldSet | None:
        if not value or not isinstance(value, dict):
            return None
        return {token: node for token, node in self._map.full(value).items() if token != SELF}
