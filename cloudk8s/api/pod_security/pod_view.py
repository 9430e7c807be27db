"""A pod as the checks look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PodView:
    """Metadata and spec of a pod or of a pod template."""

    metadata: Tree
    spec: Tree

    @property
    def context(self) -> Tree:
        return self.spec.get("securityContext") or {}

    @property
    def is_windows(self) -> bool:
        return (self.spec.get("os") or {}).get("name") == "windows"

    @property
    def has_own_users(self) -> bool:
        """The pod runs in a user namespace, where root is not the host's root."""
        return self.spec.get("hostUsers") is False

    def containers(self) -> Iterator[Tree]:
        """Every container: init, main and ephemeral ones, in upstream's order."""
        for field in ("initContainers", "containers", "ephemeralContainers"):
            yield from self.spec.get(field) or []

    def names(self, is_bad: Callable[[Tree], bool]) -> list[str]:
        """The names of the containers for whose security context `is_bad` holds."""
        return [item["name"] for item in self.containers() if is_bad(item.get("securityContext") or {})]


def quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def containers(names: Sequence[str]) -> str:
    """`container "a"` or `containers "a", "b"`."""
    return f"{'container' if len(names) == 1 else 'containers'} {quoted(names)}"
