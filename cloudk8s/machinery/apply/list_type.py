"""Lists: owned item by item (sets, and maps by key), or checked item by item inside an atomic list."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.machinery import go_text
from cloudk8s.machinery.apply import list_order, path_element
from cloudk8s.machinery.apply.fieldset import LEAF, SELF, FieldSet, ordered_level
from cloudk8s.machinery.apply.leaf_type import LeafType
from cloudk8s.machinery.apply.type import ABSENT, Comparison, Findings, Type, TypedError

_MODIFIED = Comparison(modified=LEAF)
_MAX_TOKENS: Final = 4096


class ListType(Type):
    """A list whose items have an identity: the values of their keys, or for a set the item itself."""

    def __init__(self, items: Type, keys: tuple[str, ...], defaults: dict[str, Any]) -> None:
        self._items = items
        self._keys = keys
        self._defaults = defaults
        """Values of key fields that an item leaves out."""
        self._key = keys[0] if len(keys) == 1 else None
        self._tokens: dict[str, str] = {}
        """Path elements made before, by the value of the only key: the same names come again and again."""

    def full(self, value: Any) -> FieldSet:
        if not value or type(value) is not list:
            return LEAF
        node: FieldSet = {SELF: LEAF}
        for item in value:
            token = self.identity(item)
            node[token] = LEAF if token in node else self._items.full(item)
        return node if len(node) < 3 else dict(sorted(node.items()))

    def compare(self, old: Any, new: Any) -> Comparison:
        if not old and not new:
            return _MODIFIED
        added: FieldSet = {}
        modified: FieldSet = {}
        removed: FieldSet = {}
        before, after = self._by_identity(old), self._by_identity(new)
        for token in {**before, **after}:
            part = self._compare_items(before.get(token, []), after.get(token, []))
            if part.added is not None:
                added[token] = part.added
            if part.modified is not None:
                modified[token] = part.modified
            if part.removed is not None:
                removed[token] = part.removed
        return Comparison(ordered_level(added), ordered_level(modified), ordered_level(removed))

    def applied(self, value: Any) -> FieldSet | None:
        node: FieldSet = {}
        for item in value or ():
            below = self._items.applied(item)
            node[self.identity(item)] = {SELF: LEAF, **below} if below else LEAF
        return ordered_level(node)

    def merge(self, live: Any, config: Any) -> Any:
        if not live:
            return config
        if not config:
            return live
        return list_order.merged(live, config, self.identity, self._items.merge)

    def remove(self, value: Any, fields: FieldSet, emptied: Any) -> Any:
        kept = []
        for item in value or ():
            node = fields.get(self.identity(item))
            if node is None:
                kept.append(item)
            elif node and SELF not in node:
                rest = self._items.remove(item, node, emptied)
                kept += [] if rest is ABSENT else [rest]
        return kept if kept else ABSENT if value else value

    def named(self, fields: FieldSet) -> FieldSet:
        return {token: self._items.named(node) if node else node for token, node in fields.items()}

    def reconciled(self, fields: FieldSet) -> FieldSet:
        return {token: self._items.reconciled(node) if node else node for token, node in fields.items()}

    def check(self, value: Any) -> Findings:
        if value is None:
            return []
        if not isinstance(value, list):
            return [("", f"expected list, got &{{{go_text.format_value(value)}}}")]
        findings: Findings = []
        seen: set[str] = set()
        for index, item in enumerate(value):
            try:
                token = self.identity(item)
            except TypedError as error:
                return [*findings, ("", f"element {index}: {error}")]
            place = path_element.describe(token)
            if token in seen:
                findings.append(("", f"duplicate entries for key {place}"))
            seen.add(token)
            findings += [(f"{place}{path}", text) for path, text in self._items.check(item)]
        return findings

    def identity(self, item: Any) -> str:
        """The path element of an item. Raises TypedError where it has none."""
        if not self._keys:
            return _set_identity(item)
        if not isinstance(item, dict):
            kind = "a null element" if item is None else "non-map elements"
            raise TypedError(f"associative list with keys may not have {kind}")
        if self._key is not None:
            value = item.get(self._key)
            if value.__class__ is str:
                return self._tokens.get(value) or self._learn(value)
        return self._composed(item)

    def _learn(self, value: str) -> str:
        if len(self._tokens) >= _MAX_TOKENS:
            self._tokens.clear()
        token = self._tokens[value] = path_element.of_key({self._keys[0]: value})
        return token

    def _composed(self, item: dict[str, Any]) -> str:
        values = {}
        for key in self._keys:
            if key in item:
                values[key] = item[key]
            elif key in self._defaults:
                values[key] = self._defaults[key]
        if not values:
            keys = " ".join(go_text.quote(key) for key in self._keys)
            raise TypedError(
                f"associative list with keys has an element that omits all key fields [{keys}] "
                "(and doesn't have default values for any key fields)"
            )
        return path_element.of_key(values)

    def _by_identity(self, value: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for item in value if isinstance(value, list) else ():
            found.setdefault(self.identity(item), []).append(item)
        return found

    def _compare_items(self, old: list[Any], new: list[Any]) -> Comparison:
        """Items of one identity; several of them are compared as one, since none can be told from the others."""
        if old == new:
            return Comparison()
        if len(old) <= 1 and len(new) <= 1:
            if not old:
                return Comparison(added=self._items.full(new[0]))
            return self._items.compare(old[0], new[0]) if new else Comparison(removed=self._items.full(old[0]))
        if len(old) > 1 and len(new) > 1:
            return _MODIFIED
        if len(old) > 1:
            return Comparison(added=self._items.full(new[0]) if new else None, removed=LEAF)
        return Comparison(added=LEAF, removed=self._items.full(old[0]) if old else None)


class PlainListType(LeafType):
    """The inside of an atomic list: items have no identity but their place."""

    def __init__(self, items: Type) -> None:
        self._items = items

    def remove(self, value: Any, fields: FieldSet, emptied: Any) -> Any:
        return value

    def check(self, value: Any) -> Findings:
        if value is None:
            return []
        if not isinstance(value, list):
            return [("", f"expected list, got &{{{go_text.format_value(value)}}}")]
        found = ((index, self._items.check(item)) for index, item in enumerate(value))
        return [(f"[{index}]{path}", text) for index, findings in found for path, text in findings]


def _set_identity(item: Any) -> str:
    if isinstance(item, dict):
        raise TypedError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise TypedError("not supported: associative list with lists as elements")
    if item is None:
        raise TypedError("associative list without keys has an element that's an explicit null")
    return path_element.of_value(item)
