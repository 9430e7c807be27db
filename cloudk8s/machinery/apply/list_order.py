"""Merge two lists of identified items: the applied items keep their order, the live ones stay around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def merged(
    live: list[Any], config: list[Any], identity: Callable[[Any], str], merge: Callable[[Any, Any], Any]
) -> list[Any]:
    """Both lists as one. Items only in `live` stay behind those that they stood behind, as far as orders agree."""
    return _Merging(live, config, identity, merge).run()


class _Merging:
    """Two cursors; `_awaited` is the next of the common items in the order of the configuration."""

    def __init__(
        self, live: list[Any], config: list[Any], identity: Callable[[Any], str], merge: Callable[[Any, Any], Any]
    ) -> None:
        self._live = [(identity(item), item) for item in live]
        self._config = [(identity(item), item) for item in config]
        self._merge = merge
        self._live_by_id = _unambiguous(self._live)
        self._config_ids = {token for token, _ in self._config}
        self._shared = iter([token for token, _ in self._config if token in self._live_by_id])
        self._awaited = next(self._shared, None)
        self._out: list[Any] = []

    def run(self) -> list[Any]:
        position = 0
        for token, item in self._config:
            position = self._take_live_before(token, position)
            self._out.append(self._merged_item(token, item))
            if token == self._awaited:
                self._awaited = next(self._shared, None)
        taken = self._config_ids
        self._out += [item for token, item in self._live[position:] if token not in taken]
        return self._out

    def _take_live_before(self, token: str, position: int) -> int:
        """Move the live cursor up to the item with which an applied one merges, or to where it is inserted."""
        while position < len(self._live):
            current, item = self._live[position]
            if current == token:
                return position + 1
            if current not in self._config_ids:
                self._out.append(item)
            elif current == self._awaited:
                return position
            position += 1
            if self._awaited is None and current in self._config_ids:
                return position
        return position

    def _merged_item(self, token: str, item: Any) -> Any:
        if token not in self._live_by_id:
            return item
        current = self._live_by_id[token]
        return item if current is None else self._merge(current, item)


def _unambiguous(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """Items by identity; None where there are several of one identity, since they do not merge."""
    found: dict[str, Any] = {}
    for token, item in items:
        found[token] = None if token in found else item
    return found
