"""From a store URL to an open store.

A backend registers its scheme; `memory` and `sqlite` are there from the start, plugins add theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.storage.cache import CachedStore
from cloudk8s.storage.interface import Store
from cloudk8s.storage.memory import MemoryStore
from cloudk8s.storage.retention import Retention

Opener = Callable[[str], Awaitable[Store]]
"""Opens the store that a URL of its scheme names; raises StorageError where it cannot."""


class StoreRegistry:
    """Which backend opens which scheme."""

    def __init__(self) -> None:
        self._openers: dict[str, Opener] = {"memory": _open_memory, "sqlite": _open_sqlite}

    @property
    def schemes(self) -> list[str]:
        return sorted(self._openers)

    def register(self, scheme: str, opener: Opener) -> None:
        """Let `opener` open `scheme://…`; a scheme can be taken once."""
        if scheme in self._openers:
            raise SettingsError(f"the store scheme {scheme}:// is registered twice")
        self._openers[scheme] = opener

    def opener(self, url: str) -> Opener:
        """The opener for a URL; raises SettingsError for a scheme nobody serves."""
        scheme, separator, _ = url.partition("://")
        opener = self._openers.get(scheme)
        if opener is not None and separator:
            return opener
        close = get_close_matches(scheme, self._openers, n=1)
        hint = f"did you mean {close[0]}://?" if close else f"known: {', '.join(f'{s}://' for s in self.schemes)}"
        raise SettingsError(f"store URL {url!r} has no known scheme; {hint}")


async def open_store(
    url: str,
    *,
    registry: StoreRegistry | None = None,
    retention: Retention | None = None,
    clock: Clock | None = None,
) -> Store:
    """Open `memory://`, `sqlite:///PATH` or what a plugin registered; the caller closes it.

    Old history is compacted from then on, as `retention` says.
    """
    store = await (registry or StoreRegistry()).opener(url)(url)
    if isinstance(store, CachedStore):
        store.start_compacting(retention or Retention(), clock or SystemClock())
    return store


async def _open_memory(url: str) -> Store:
    return MemoryStore()


async def _open_sqlite(url: str) -> Store:
    """`sqlite:///PATH[?sync=full|normal]`; what follows `sqlite://` is the path, so a relative one starts with `./`."""
    from cloudk8s.storage.sqlite.store import SqliteStore

    location, _, query = url.removeprefix("sqlite://").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    synchronous = options.pop("sync", "full")
    if not location or options or synchronous not in ("full", "normal"):
        raise SettingsError(f"store URL {url!r} is not of the form sqlite:///PATH or sqlite:///PATH?sync=normal")
    return await SqliteStore.open(Path(unquote(location)), synchronous="normal" if synchronous == "normal" else "full")
