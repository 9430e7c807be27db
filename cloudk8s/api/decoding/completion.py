"""The last touch before an object is stored: what Go writes although nobody set it.

Structs held directly, and fields without `omitempty`, appear with their zero value: `resources: {}`,
`status.numberReady: 0`, `rules: null`. A compiled walk visits only those parts of a type that have such fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from cloudk8s.api.decoding.go_fields import FieldShape, shape
from cloudk8s.machinery.schema import Schema

Fill: TypeAlias = Callable[[dict[str, Any]], None]
_Make: TypeAlias = Callable[[], Any]
_NOTHING: Final[Mapping[str, Any]] = {}

_ZEROS: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}
_BOXED_ZEROS: dict[str, Any] = {"date-time": None, "quantity": "0", "int-or-string": 0, "byte": None}


class Completer:
    """Compiled completions of one registry's schemas.

    `is_last`: the objects are about to be stored, where upstream's encoding has no empty lists: those that Go writes
    become null.
    """

    def __init__(self, *, is_last: bool = False) -> None:
        self._fills: dict[str, Fill] = {}
        self._is_last = is_last

    def complete(self, tree: dict[str, Any], schema: Schema, shared: Mapping[str, Any] = _NOTHING) -> None:
        """Add to an object of the schema, in place, what Go would write.

        Parts that it shares with another object, a complete one, are left alone.
        """
        fill = self._fill(schema)
        if not shared:
            fill(tree)
            return
        rest = {
            key: value for key, value in tree.items() if value.__class__ is not dict or value is not shared.get(key)
        }
        fill(rest)
        for key, value in rest.items():
            if key not in tree:
                tree[key] = value

    def _fill(self, schema: Schema) -> Fill:
        found = self._fills.get(schema.name) if schema.name else None
        if found is None:
            found = self._compile(schema)
            if schema.name:
                self._fills[schema.name] = found
        return found

    def _compile(self, schema: Schema) -> Fill:
        makers: list[tuple[str, _Make]] = []
        lists: list[str] = []
        inner: dict[str, Callable[[Any], None]] = {}
        unread = True

        def read() -> None:
            nonlocal unread
            unread = False
            for key, node in (schema.properties or {}).items():
                held = shape(schema.name, key, node, required=key in schema.required)
                if key not in ("kind", "apiVersion") and (make := self._maker(node, held)) is not None:
                    makers.append((key, make))
                    if self._is_last and node.type == "array":
                        lists.append(key)
                if (visit := self._visit(node)) is not None:
                    inner[key] = visit

        def fill(tree: dict[str, Any]) -> None:
            if unread:
                read()
            for key, make in makers:
                if key not in tree:
                    tree[key] = make()
            for key in lists:
                if tree[key] == []:
                    tree[key] = None
            if len(inner) <= len(tree):
                for key, visit in inner.items():
                    if (value := tree.get(key)) is not None:
                        visit(value)
                return
            for key, value in tree.items():  # objects have few of the fields that their types declare
                if value is not None and (found := inner.get(key)) is not None:
                    found(value)

        return fill

    def _maker(self, node: Schema, held: FieldShape) -> _Make | None:
        """Makes the value of an absent field; None where Go leaves it out."""
        if node.format in _BOXED_ZEROS:
            written = not held.pointer if node.format != "byte" else not held.omit_empty
            return _constant(_BOXED_ZEROS[node.format]) if written else None
        if node.properties is not None:
            return (dict if not held.pointer else _constant(None)) if not held.pointer or not held.omit_empty else None
        if held.omit_empty:
            return None
        return _constant(None if held.pointer else _ZEROS.get(node.type))

    def _visit(self, node: Schema) -> Callable[[Any], None] | None:
        """Completes what is inside a value; None where there never is anything to complete."""
        if node.properties is not None:
            return self._fill(node) if self._has_work(node) else None
        item = node.items if node.type == "array" else node.additional
        if item is None or item.properties is None or not self._has_work(item):
            return None
        fill = self._fill(item)
        if node.type == "array":
            return lambda values: _each(values, fill)
        return lambda values: _each(values.values(), fill)

    def _has_work(self, schema: Schema, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a struct, or one inside it, may have something added."""
        if schema.name in seen:
            return False
        seen |= {schema.name}
        for key, node in (schema.properties or {}).items():
            held = shape(schema.name, key, node, required=key in schema.required)
            if self._maker(node, held) is not None:
                return True
            item = node.items or node.additional or node
            if item.properties is not None and self._has_work(item, seen):
                return True
        return False


def _each(values: Any, fill: Fill) -> None:
    for value in values:
        if value is not None:
            fill(value)


def _constant(value: Any) -> _Make:
    return lambda: value
