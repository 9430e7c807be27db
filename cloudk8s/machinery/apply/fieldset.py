"""Field sets: `FieldsV1` as a nested dictionary, and set algebra on it.

A key is a path element (`f:spec`, `k:{"name":"main"}`, `v:"a"`, `i:0`), its value the set below it. A node is a member
if it is empty or holds `.`. Sets are never changed once made and share their parts, `LEAF` above all. Keys are kept
sorted on every level, as upstream writes them; the algebra here preserves that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

FieldSet: TypeAlias = dict[str, Any]

LEAF: Final[FieldSet] = {}
"""The node of a path with nothing below it. Never change it."""
SELF: Final = "."


def is_member(node: FieldSet) -> bool:
    """Whether the path that leads to the node is itself in the set."""
    return not node or SELF in node


def union(first: FieldSet, second: FieldSet) -> FieldSet:
    """What is in either."""
    if not first or not second or first is second:
        return first or second
    merged, is_sorted = dict(first), True
    for key, node in second.items():
        own = merged.get(key)
        if own is None:
            merged[key] = node
            is_sorted = False
        elif own is not node and own != node:
            merged[key] = _joined(own, node)
    return merged if is_sorted else dict(sorted(merged.items()))


def difference(first: FieldSet, second: FieldSet) -> FieldSet:
    """What is in `first` and not in `second`."""
    if not second or second.keys().isdisjoint(first):
        return first
    kept = {}
    for key, node in first.items():
        other = second.get(key)
        rest = node if other is None else _without(node, other)
        if rest is not None:
            kept[key] = rest
    return kept


def recursive_difference(first: FieldSet, second: FieldSet) -> FieldSet:
    """What is in `first` and neither in `second` nor below one of its members."""
    if not second or second.keys().isdisjoint(first):
        return first
    kept = {}
    for key, node in first.items():
        other = second.get(key)
        if other is None:
            kept[key] = node
        elif not is_member(other):
            rest = recursive_difference(node, other)
            if rest or not node:
                kept[key] = LEAF if len(rest) == 1 and SELF in rest else rest
    return kept


def intersection(first: FieldSet, second: FieldSet) -> FieldSet:
    """What is in both."""
    if len(second) < len(first):
        first, second = second, first
    kept: FieldSet = {}
    for key, node in first.items():
        other = second.get(key)
        if other is not None and (common := _common(node, other)) is not None:
            kept[key] = common
    return kept


def has(fields: FieldSet, path: Iterable[str]) -> bool:
    """Whether a path is a member."""
    node = fields
    for element in path:
        found = node.get(element)
        if found is None:
            return False
        node = found
    return is_member(node)


def of_paths(paths: Iterable[Iterable[str]]) -> FieldSet:
    """The set of some paths, each a sequence of path elements."""
    fields: FieldSet = {}
    for path in paths:
        node = LEAF
        for element in reversed(tuple(path)):
            node = {element: node}
        fields = union(fields, node)
    return fields


def of_fields(*dotted: str) -> FieldSet:
    """The set of some plain fields such as `spec` or `metadata.labels`."""
    return of_paths([f"f:{name}" for name in path.split(".")] for path in dotted)


def paths(fields: FieldSet) -> Iterator[tuple[str, ...]]:
    """All members, in upstream's order: those of one level sorted, then what is below each."""
    elements = sorted(key for key in fields if key != SELF)
    for element in elements:
        if is_member(fields[element]):
            yield (element,)
    for element in elements:
        for rest in paths(fields[element]):
            yield (element, *rest)


def leaves(fields: FieldSet) -> FieldSet:
    """The members below which there are no others."""
    return {key: leaves(node) if node.keys() - {SELF} else LEAF for key, node in fields.items() if key != SELF}


def ordered(fields: FieldSet) -> FieldSet:
    """The same set with sorted keys on every level, for sets that come from elsewhere."""
    return {key: ordered(fields[key]) if fields[key] else LEAF for key in sorted(fields)}


def ordered_level(fields: FieldSet) -> FieldSet | None:
    """The same set with sorted keys on its first level; None for the empty one."""
    return (fields or None) if len(fields) < 2 else dict(sorted(fields.items()))


def _joined(first: FieldSet, second: FieldSet) -> FieldSet:
    """The union of two nodes: a bare member becomes a `.` beside the other's children."""
    if not first:
        return second if SELF in second else {SELF: LEAF, **second}
    if not second:
        return first if SELF in first else {SELF: LEAF, **first}
    return union(first, second)


def _without(node: FieldSet, other: FieldSet) -> FieldSet | None:
    """The rest of a node, None where nothing is left."""
    if not node:
        return None if is_member(other) else node
    if not other:
        return {key: child for key, child in node.items() if key != SELF} or None
    return _plain(difference(node, other))


def _common(first: FieldSet, second: FieldSet) -> FieldSet | None:
    if not first:
        return LEAF if is_member(second) else None
    if not second:
        return LEAF if SELF in first else None
    return _plain(intersection(first, second))


def _plain(node: FieldSet) -> FieldSet | None:
    """A node in its one spelling: a lone `.` is an empty node, an empty one is no node."""
    if not node:
        return None
    return LEAF if len(node) == 1 and SELF in node else node
