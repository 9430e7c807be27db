"""Indexes over the newest records: who has a value, and which values an event touches.

An index costs nothing until it is first used; then it is built once and kept current by every commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cloudk8s.errors import StorageError
from cloudk8s.storage.interface import Event, Record

ValueOf = Callable[[Record], str | None]


class Index:
    """One index over the records below a prefix."""

    __slots__ = ("_holders", "_values", "is_built", "name", "prefix", "value_of")

    def __init__(self, name: str, prefix: str, value_of: ValueOf) -> None:
        self.name = name
        self.prefix = prefix
        self.value_of = value_of
        self.is_built = False
        self._values: dict[str, str] = {}
        self._holders: dict[str, dict[str, Record]] = {}

    def build(self, records: Iterable[Record]) -> None:
        """Fill the index from all records below its prefix."""
        for record in records:
            self._put(record.key, record, self.value_of(record))
        self.is_built = True

    def apply(self, event: Event) -> set[str]:
        """Follow one event; returns the values that the old and the new record have."""
        record = event.record
        old = self._values.get(record.key)
        new = None if event.type == "DELETED" else self.value_of(record)
        if old is not None and old != new:
            self._take(record.key, old)
        self._put(record.key, record, new)
        return {value for value in (old, new) if value is not None}

    def touched(self, event: Event) -> set[str]:
        """The values of the old and the new record of an event, whenever it happened."""
        if not event.record.key.startswith(self.prefix):
            return set()
        records = (event.record, event.previous)
        values = [self.value_of(record) for record in records if record is not None]
        return {value for value in values if value is not None}

    def find(self, value: str) -> list[Record]:
        holders = self._holders.get(value, {})
        return [holders[key] for key in sorted(holders)]

    def _put(self, key: str, record: Record, value: str | None) -> None:
        if value is not None:
            self._values[key] = value
            self._holders.setdefault(value, {})[key] = record

    def _take(self, key: str, value: str) -> None:
        del self._values[key]
        holders = self._holders[value]
        del holders[key]
        if not holders:
            del self._holders[value]


class Indexes:
    """All indexes of a store, by name."""

    __slots__ = ("_built", "_by_name")

    def __init__(self) -> None:
        self._by_name: dict[str, Index] = {}
        self._built: list[Index] = []

    def add(self, name: str, prefix: str, value_of: ValueOf) -> None:
        if name in self._by_name:
            raise StorageError(f"index {name!r} exists already")
        self._by_name[name] = Index(name, prefix, value_of)

    def get(self, name: str, records_below: Callable[[str], Sequence[Record]]) -> Index:
        """The index, built on first use from `records_below(prefix)`."""
        index = self._by_name.get(name)
        if index is None:
            raise StorageError(f"there is no index {name!r}; known: {', '.join(sorted(self._by_name)) or 'none'}")
        if not index.is_built:
            index.build(records_below(index.prefix))
            self._built.append(index)
        return index

    def apply(self, event: Event) -> list[tuple[str, str]]:
        """Follow one event; returns (index, value) for every value it touches."""
        key = event.record.key
        return [
            (index.name, value) for index in self._built if key.startswith(index.prefix) for value in index.apply(event)
        ]
