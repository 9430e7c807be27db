"""Values with one owner: scalars, and whatever the schema calls atomic."""

from __future__ import annotations

from typing import Any, Literal

from cloudk8s.machinery import go_text
from cloudk8s.machinery.apply.fieldset import LEAF, FieldSet
from cloudk8s.machinery.apply.type import ABSENT, Comparison, Findings, Type

ScalarKind = Literal["string", "numeric", "boolean", "untyped"]
_MODIFIED = Comparison(modified=LEAF)


class LeafType(Type):
    """What all leaves do alike; the value is not looked into."""

    is_leaf = True

    def full(self, value: Any) -> FieldSet:
        return LEAF

    def compare(self, old: Any, new: Any) -> Comparison:
        return _MODIFIED

    def applied(self, value: Any) -> FieldSet | None:
        return LEAF

    def merge(self, live: Any, config: Any) -> Any:
        return config

    def named(self, fields: FieldSet) -> FieldSet:
        return fields

    def reconciled(self, fields: FieldSet) -> FieldSet:
        return LEAF


class ScalarType(LeafType):
    """A string, number, boolean, or any of them."""

    def __init__(self, kind: ScalarKind) -> None:
        self.kind = kind

    def remove(self, value: Any, fields: FieldSet, emptied: Any) -> Any:
        return value

    def check(self, value: Any) -> Findings:
        if value is None:
            return []
        message = self._problem(value)
        return [("", message)] if message else []

    def _problem(self, value: Any) -> str:
        match self.kind:
            case "string" if not isinstance(value, str):
                return f"expected string, got &value.valueUnstructured{{Value:{go_text.format_syntax(value)}}}"
            case "numeric" if isinstance(value, bool) or not isinstance(value, (int, float)):
                return f"expected numeric (int or float), got {go_text.type_name(value)}"
            case "boolean" if not isinstance(value, bool):
                return f"expected boolean, got &{{{go_text.format_value(value)}}}"
            case "untyped" if isinstance(value, (dict, list)):
                return f"expected any scalar, got &{{{go_text.format_value(value)}}}"
        return ""


class AtomicType(LeafType):
    """An atomic list or map: one owner, but what is in it still has to fit the type that it wraps."""

    def __init__(self, inner: Type) -> None:
        self._inner = inner

    def remove(self, value: Any, fields: FieldSet, emptied: Any) -> Any:
        return ABSENT if value else value

    def check(self, value: Any) -> Findings:
        return self._inner.check(value)
