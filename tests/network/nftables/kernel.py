"""A small model of nftables that runs transactions and refuses what the kernel would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Kernel:
    """Sets, maps and chains of one table, with the kernel's rules about order."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, str]] = {}
        self.chains: dict[str, list[str]] = {}

    def run(self, lines: Iterable[str]) -> None:
        for line in lines:
            verb, kind, _, _, rest = ([*line.split(" ", 4), ""])[:5]
            name, _, body = rest.partition(" ")
            getattr(self, f"{verb}_{kind}")(name, body)

    def add_table(self, name: str, body: str) -> None: ...

    def delete_table(self, name: str, body: str) -> None:
        self.__init__()  # type: ignore[misc]

    def add_set(self, name: str, body: str) -> None:
        assert name not in self.containers
        self.containers[name] = {}

    add_map = add_set

    def delete_set(self, name: str, body: str) -> None:
        assert not any(f"@{name} " in text for rules in self.chains.values() for text in rules)
        del self.containers[name]

    def add_chain(self, name: str, body: str) -> None:
        self.chains.setdefault(name, [])

    def flush_chain(self, name: str, body: str) -> None:
        self.chains[name].clear()

    def delete_chain(self, name: str, body: str) -> None:
        assert not self.chains[name], f"{name} has rules"
        users = [text for rules in self.chains.values() for text in rules]
        users += [verdict for entries in self.containers.values() for verdict in entries.values()]
        assert not any(name in _targets(text) for text in users), f"{name} is in use"
        del self.chains[name]

    def add_rule(self, name: str, body: str) -> None:
        assert all(target in self.chains for target in _targets(body)), body
        assert all(used in self.containers for used in re.findall(r"@(\S+)", body)), body
        self.chains[name].append(body)

    def add_element(self, name: str, body: str) -> None:
        for entry in body.strip("{} ").split(", "):
            key, _, verdict = entry.partition(" : ")
            assert key not in self.containers[name], f"{key} is there"
            assert all(target in self.chains for target in _targets(verdict))
            self.containers[name][key] = verdict

    def delete_element(self, name: str, body: str) -> None:
        for key in body.strip("{} ").split(", "):
            del self.containers[name][key]


def _targets(text: str) -> list[str]:
    return re.findall(r"(?:goto|jump) ([^\s,]+)", text)
