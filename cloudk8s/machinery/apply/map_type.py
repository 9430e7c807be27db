"""Objects owned field by field: structs with declared fields, and maps with entries of one type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from cloudk8s.machinery import go_text
from cloudk8s.machinery.apply.fieldset import LEAF, SELF, FieldSet, ordered_level
from cloudk8s.machinery.apply.type import ABSENT, Comparison, Findings, Type
from cloudk8s.machinery.schema import Schema

_EMPTY: dict[str, Any] = {}
_MAX_PLANS: Final = 64
_Step: TypeAlias = tuple[str, str, Callable[[Any], FieldSet]]
"""A field of an object that is no leaf: its name, its path element, and how its value is walked."""
_MODIFIED = Comparison(modified=LEAF)


class _Plan(NamedTuple):
    """How to walk an object with certain fields: its node with all of them as leaves, and those that are none."""

    node: FieldSet
    inner: list[_Step]


class MapType(Type):
    """A granular struct or map. Children are compiled when the first value of the type is seen."""

    def __init__(
        self, properties: Mapping[str, Schema], compile: Callable[[Schema], Type], *, entry: Type, is_open: bool
    ) -> None:
        self._properties = properties
        self._compile = compile
        self._entry = entry
        """Type of fields that are not declared; a configuration may have them only where `is_open`."""
        self._is_open = is_open
        self._fields: dict[str, tuple[str, Type]] = {}
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def full(self, value: Any) -> FieldSet:
        if not value or type(value) is not dict:
            return LEAF
        shape = tuple(value)
        plan = self._plans.get(shape) or self._planned(shape)
        if not plan.inner:
            return plan.node
        node = plan.node.copy()
        for key, token, below in plan.inner:
            node[token] = below(value[key])
        return node

    def compare(self, old: Any, new: Any) -> Comparison:
        before, after = _fields_of(old), _fields_of(new)
        if not before and not after:
            return _MODIFIED
        added: FieldSet = {}
        modified: FieldSet = {}
        removed: FieldSet = {}
        for key, item in after.items():
            former = before.get(key, ABSENT)
            if former is item:
                continue
            token, child = self._field(key)
            if former is ABSENT:
                added[token] = child.full(item)
            elif former != item:
                part = child.compare(former, item)
                if part.added is not None:
                    added[token] = part.added
                if part.modified is not None:
                    modified[token] = part.modified
                if part.removed is not None:
                    removed[token] = part.removed
        for key, item in before.items():
            if key not in after:
                token, child = self._field(key)
                removed[token] = child.full(item)
        return Comparison(ordered_level(added), ordered_level(modified), ordered_level(removed))

    def applied(self, value: Any) -> FieldSet | None:
        node: FieldSet = {}
        for key, item in _fields_of(value).items():
            token, child = self._field(key)
            below = LEAF if item is None or item == _EMPTY else child.applied(item)
            if key not in self._properties:
                below = {SELF: LEAF, **below} if below else LEAF
            if below is not None:
                node[token] = below
        return ordered_level(node)

    def merge(self, live: Any, config: Any) -> Any:
        if not live:
            return config
        if not config:
            return live
        merged = dict(live)
        for key, item in config.items():
            current = live.get(key, ABSENT)
            merged[key] = item if current is ABSENT or current is item else self._field(key)[1].merge(current, item)
        return merged

    def remove(self, value: Any, fields: FieldSet, emptied: Any) -> Any:
        kept = {}
        for key, item in _fields_of(value).items():
            token, child = self._field(key)
            node = fields.get(token)
            if node is None:
                kept[key] = item
            elif node and SELF not in node:
                rest = child.remove(item, node, emptied)
                rest = emptied if rest is ABSENT else rest
                if rest is not ABSENT:
                    kept[key] = rest
        return kept if kept else ABSENT if value else value

    def named(self, fields: FieldSet) -> FieldSet:
        result: FieldSet = {}
        for token, node in fields.items():
            if node and token[0] == "f":
                name = token[2:]
                node = self._field(name)[1].named(node)
                if name in self._properties and SELF not in node:
                    node = {SELF: LEAF, **node}
            result[token] = node
        return result

    def reconciled(self, fields: FieldSet) -> FieldSet:
        return {
            token: self._field(token[2:])[1].reconciled(node) if node and token[0] == "f" else node
            for token, node in fields.items()
        }

    def check(self, value: Any) -> Findings:
        if value is None:
            return []
        if not isinstance(value, dict):
            return [("", f"expected map, got &{{{go_text.format_value(value)}}}")]
        findings: Findings = []
        for key, item in value.items():
            if key not in self._properties and not self._is_open:
                return [*findings, (f".{key}", "field not declared in schema")]
            findings += [(f".{key}{path}", text) for path, text in self._field(key)[1].check(item)]
        return findings

    def _field(self, key: str) -> tuple[str, Type]:
        found = self._fields.get(key)
        if found is not None:
            return found
        if key not in self._properties:
            return f"f:{key}", self._entry
        self._fields[key] = f"f:{key}", self._compile(self._properties[key])
        return self._fields[key]

    def _planned(self, shape: tuple[str, ...]) -> _Plan:
        """How to walk an object with these fields. Objects of a kind are much alike, so the plan is worth keeping."""
        if len(self._plans) >= _MAX_PLANS:
            self._plans.clear()
        fields = [(key, *self._field(key)) for key in sorted(shape)]
        node: FieldSet = {SELF: LEAF} | {token: LEAF for _, token, _ in fields}
        inner: list[_Step] = [(key, token, child.full) for key, token, child in fields if not child.is_leaf]
        self._plans[shape] = _Plan(node, inner)
        return self._plans[shape]


def _fields_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else _EMPTY
