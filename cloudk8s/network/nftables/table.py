"""A table as it is and as it shall be: changed parts become the lines of a transaction. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from cloudk8s.network.nftables.parts import Element, Parts

_BATCH = 500
"""Elements on one line."""


class Key(Protocol):
    """Whose parts they are; ordered, so that everybody agrees who comes first."""

    def __hash__(self) -> int: ...

    def __lt__(self, other: Any, /) -> bool: ...


K = TypeVar("K", bound=Key)


class Table(Generic[K]):
    """One table of one family. A transaction costs as much as what changed."""

    def __init__(self, family: str, name: str, skeleton: Sequence[str]) -> None:
        self._prefix = f"{family} {name}"
        self._skeleton = tuple(skeleton)
        self._parts: dict[K, Parts] = {}
        self._owners: dict[Element, dict[K, str]] = {}

    def rebuild(self, parts: Mapping[K, Parts]) -> list[str]:
        """The lines that replace whatever there is by exactly these parts."""
        self._parts.clear()
        self._owners.clear()
        return [*self.destroy(), f"add table {self._prefix}", *self._skeleton, *self.change(parts, ())]

    def change(self, parts: Mapping[K, Parts], removed: Iterable[K]) -> list[str]:
        """The lines that add or change these parts and take those away.

        New chains come before what refers to them, elements leave before what they refer to, and all that goes is
        emptied before any of it is deleted.
        """
        wanted = {key: Parts() for key in removed if key in self._parts} | dict(parts)
        before = {key: self._parts.get(key, Parts()) for key in wanted}
        verdicts = self._own(before, wanted)
        lines = [line for key in wanted for line in self._make_sets(before[key], wanted[key])]
        lines += self._chain_lines(before, wanted)
        lines += self._element_lines(verdicts, _sets_that_go(before, wanted))
        lines += [line for key in wanted for line in self._flush(before[key], wanted[key])]
        lines += [line for key in wanted for line in self._drop(before[key], wanted[key])]
        for key, entry in wanted.items():
            self._parts.pop(key, None)
            if not entry.is_empty:
                self._parts[key] = entry
        return lines

    def destroy(self) -> list[str]:
        """The lines that leave nothing."""
        return [f"add table {self._prefix}", f"delete table {self._prefix}"]

    def _own(
        self, before: Mapping[K, Parts], wanted: Mapping[K, Parts]
    ) -> dict[Element, tuple[str | None, str | None]]:
        """Note who wants which element; returns the verdicts, old and new, of those that change."""
        touched = {element for parts in (*before.values(), *wanted.values()) for element in parts.elements}
        old = {element: self._verdict(element) for element in touched}
        for key, parts in wanted.items():
            for element in before[key].elements:
                if element not in parts.elements:
                    del self._owners[element][key]
            for element, verdict in parts.elements.items():
                self._owners.setdefault(element, {})[key] = verdict
        new = {element: self._verdict(element) for element in touched}
        for element in touched:
            if not self._owners[element]:
                del self._owners[element]
        return {element: (old[element], new[element]) for element in touched if old[element] != new[element]}

    def _verdict(self, element: Element) -> str | None:
        owners = self._owners.get(element)
        return owners[min(owners)] if owners else None

    def _make_sets(self, old: Parts, new: Parts) -> Iterable[str]:
        for name, declaration in new.sets.items():
            if name not in old.sets:
                yield f"add set {self._prefix} {name} {{ {declaration} }}"

    def _chain_lines(self, before: Mapping[K, Parts], wanted: Mapping[K, Parts]) -> list[str]:
        """Every changed chain is there and empty before the first rule: rules refer to chains of other parts."""
        changed = {
            name: (rules, name in before[key].chains)
            for key, parts in wanted.items()
            for name, rules in parts.chains.items()
            if before[key].chains.get(name) != rules
        }
        lines = [f"add chain {self._prefix} {name}" for name in changed]
        lines += [f"flush chain {self._prefix} {name}" for name, (_, is_known) in changed.items() if is_known]
        lines += [f"add rule {self._prefix} {name} {rule}" for name, (rules, _) in changed.items() for rule in rules]
        return lines

    def _flush(self, old: Parts, new: Parts) -> Iterable[str]:
        return (f"flush chain {self._prefix} {name}" for name in old.chains if name not in new.chains)

    def _drop(self, old: Parts, new: Parts) -> Iterable[str]:
        yield from (f"delete chain {self._prefix} {name}" for name in old.chains if name not in new.chains)
        yield from (f"delete set {self._prefix} {name}" for name in old.sets if name not in new.sets)

    def _element_lines(
        self, verdicts: Mapping[Element, tuple[str | None, str | None]], going: set[str]
    ) -> Iterable[str]:
        gone: dict[str, list[str]] = {}
        added: dict[str, list[str]] = {}
        for element, (old, new) in sorted(verdicts.items()):
            if old is not None and element.container not in going:
                gone.setdefault(element.container, []).append(element.key)
            if new is not None:
                added.setdefault(element.container, []).append(f"{element.key} : {new}" if new else element.key)
        for verb, found in (("delete", gone), ("add", added)):
            for container, entries in found.items():
                for start in range(0, len(entries), _BATCH):
                    batch = ", ".join(entries[start : start + _BATCH])
                    yield f"{verb} element {self._prefix} {container} {{ {batch} }}"


def _sets_that_go(before: Mapping[K, Parts], wanted: Mapping[K, Parts]) -> set[str]:
    return {name for key, parts in before.items() for name in parts.sets if name not in wanted[key].sets}
