"""An indexed set of objects by key: what an informer knows. Objects are shared and read-only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of

IndexFunction = Callable[[Object], Iterable[str]]
"""The values that an object is found by; it depends on nothing but the object."""


class ObjectCache:
    """Objects by `namespace/name`, by namespace, and by any number of named indexes; every change costs O(indexes)."""

    def __init__(self) -> None:
        self._objects: dict[str, Object] = {}
        self._functions: dict[str, IndexFunction] = {}
        self._indexes: dict[str, dict[str, dict[str, Object]]] = {}
        self.add_index("namespace", _namespaces)

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, key: str) -> bool:
        return key in self._objects

    def get(self, key: str) -> Object | None:
        return self._objects.get(key)

    def list(self, namespace: str = "") -> Sequence[Object]:
        """All objects, or those of one namespace, in no particular order; a new list."""
        if namespace:
            return self.by_index("namespace", namespace)
        return list(self._objects.values())

    def keys(self) -> Iterable[str]:
        return self._objects.keys()

    def by_index(self, name: str, value: str) -> Sequence[Object]:
        """The objects that index `name` holds under `value`; a new list."""
        return list(self._indexes[name].get(value, {}).values())

    def count(self, name: str, value: str) -> int:
        """How many objects index `name` holds under `value`."""
        return len(self._indexes[name].get(value, ()))

    def index_values(self, name: str) -> Iterable[str]:
        """The values that index `name` has objects for."""
        return self._indexes[name].keys()

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Make `name` usable in `by_index`. Idempotent for one function; another under the same name is an error."""
        if name in self._functions:
            if self._functions[name] is not function:
                raise ValueError(f"index {name!r} is already made by another function")
            return
        self._functions[name] = function
        self._indexes[name] = {}
        for key, obj in self._objects.items():
            _insert(self._indexes[name], function(obj), key, obj)

    def put(self, obj: Object) -> Object | None:
        """Add or replace; returns what was there."""
        key = key_of(obj)
        old = self._objects.get(key)
        self._objects[key] = obj
        for name, function in self._functions.items():
            index, values = self._indexes[name], function(obj)
            if old is not None and (before := function(old)) != values:
                _remove(index, before, key)
            _insert(index, values, key, obj)
        return old

    def remove(self, key: str) -> Object | None:
        """Forget an object; returns what was there."""
        old = self._objects.pop(key, None)
        if old is not None:
            for name, function in self._functions.items():
                _remove(self._indexes[name], function(old), key)
        return old


def _namespaces(obj: Object) -> Iterable[str]:
    namespace = obj["metadata"].get("namespace")
    return (namespace,) if namespace else ()


def _insert(index: dict[str, dict[str, Any]], values: Iterable[str], key: str, obj: Object) -> None:
    for value in values:
        if (held := index.get(value)) is None:
            index[value] = {key: obj}
        else:
            held[key] = obj


def _remove(index: dict[str, dict[str, Any]], values: Iterable[str], key: str) -> None:
    for value in values:
        if (held := index.get(value)) is not None:
            held.pop(key, None)
            if not held:
                del index[value]
