"""A table as it is and as it shall be: changes of rules become the lines of a transaction. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cloudk8s.network.proxy.model import Family, Rule, RuleKey
from cloudk8s.network.proxy.nftables import layout
from cloudk8s.network.proxy.nftables.parts import Element, Parts, parts_of

_BATCH = 500
"""Elements on one line."""


class Table:
    """One family's table. A transaction costs as much as what changed; `is_new` ones hold everything."""

    def __init__(self, name: str, family: Family, pod_ranges: Sequence[str]) -> None:
        self.name, self.family = name, family
        self._pod_ranges = tuple(text for text in pod_ranges if (":" in text) == (family == "IPv6"))
        self._prefix = f"{layout.word(family)} {name}"
        self._parts: dict[RuleKey, Parts] = {}
        self._owners: dict[Element, dict[RuleKey, str]] = {}

    def rebuild(self, rules: Mapping[RuleKey, Rule]) -> list[str]:
        """The lines that replace whatever there is by exactly these rules."""
        self._parts.clear()
        self._owners.clear()
        return [*layout.skeleton(self.name, self.family, self._pod_ranges), *self.change(rules, ())]

    def change(self, rules: Mapping[RuleKey, Rule], removed: Iterable[RuleKey]) -> list[str]:
        """The lines that add or change these rules and take those away."""
        wanted: dict[RuleKey, Parts] = {key: Parts() for key in removed if key in self._parts}
        wanted |= {key: parts_of(rule, self._pod_ranges) for key, rule in rules.items()}
        before = {key: self._parts.get(key, Parts()) for key in wanted}
        verdicts = self._own(before, wanted)
        lines = [line for key in wanted for line in self._make(before[key], wanted[key])]
        lines += self._element_lines(verdicts)
        lines += [line for key in wanted for line in self._flush(before[key], wanted[key])]
        lines += [line for key in wanted for line in self._drop(before[key], wanted[key])]
        for key, parts in wanted.items():
            if parts.elements:
                self._parts[key] = parts
            else:
                del self._parts[key]
        return lines

    def destroy(self) -> list[str]:
        """The lines that leave nothing."""
        self._parts.clear()
        self._owners.clear()
        return [f"add table {self._prefix}", f"delete table {self._prefix}"]

    def _own(
        self, before: Mapping[RuleKey, Parts], wanted: Mapping[RuleKey, Parts]
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

    def _make(self, old: Parts, new: Parts) -> Iterable[str]:
        for name, seconds in new.clients.items():
            if name not in old.clients:
                address = "ipv4_addr" if self.family == "IPv4" else "ipv6_addr"
                yield f"add set {self._prefix} {name} {{ type {address}; flags dynamic,timeout; timeout {seconds}s; }}"
        changed = {name: rules for name, rules in new.chains.items() if old.chains.get(name) != rules}
        for name in changed:
            yield f"add chain {self._prefix} {name}"
            if name in old.chains:
                yield f"flush chain {self._prefix} {name}"
        for name, rules in changed.items():
            for rule in rules:
                yield f"add rule {self._prefix} {name} {rule}"

    def _flush(self, old: Parts, new: Parts) -> Iterable[str]:
        """Empty what will go first: chains refer to each other and to sets."""
        return (f"flush chain {self._prefix} {name}" for name in old.chains if name not in new.chains)

    def _drop(self, old: Parts, new: Parts) -> Iterable[str]:
        yield from (f"delete chain {self._prefix} {name}" for name in old.chains if name not in new.chains)
        yield from (f"delete set {self._prefix} {name}" for name in old.clients if name not in new.clients)

    def _element_lines(self, verdicts: Mapping[Element, tuple[str | None, str | None]]) -> Iterable[str]:
        gone: dict[str, list[str]] = {}
        added: dict[str, list[str]] = {}
        for element, (old, new) in sorted(verdicts.items()):
            if old is not None:
                gone.setdefault(element.container, []).append(element.key)
            if new is not None:
                added.setdefault(element.container, []).append(f"{element.key} : {new}" if new else element.key)
        for verb, found in (("delete", gone), ("add", added)):
            for container, entries in found.items():
                for start in range(0, len(entries), _BATCH):
                    batch = ", ".join(entries[start : start + _BATCH])
                    yield f"{verb} element {self._prefix} {container} {{ {batch} }}"
