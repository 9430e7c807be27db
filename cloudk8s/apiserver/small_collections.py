"""Small collections that admission looks at with every write: read once, and again when one of them has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from cloudk8s.api.resource import Object
from cloudk8s.storage.interface import Event, Record, Store

_MAX_PLACES: Final = 1024


class SmallCollections:
    """Decoded objects by storage prefix: a resource's own, or that of one of its namespaces."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Sequence[Object]]] = {}

    def of(self, store: Store, resource: str, place: str, tree: Callable[[Record], Object]) -> Sequence[Object]:
        """What is below `place`, the prefix `resource` or one in it: shared, read-only, in key order."""
        places = self._known.get(resource)
        if places is None:
            places = self._follow(store, resource)
        found = places.get(place)
        if found is None:
            if len(places) >= _MAX_PLACES:
                places.clear()
            found = places[place] = [tree(record) for record in store.range(place).records]
        return found

    def _follow(self, store: Store, resource: str) -> dict[str, Sequence[Object]]:
        """Forget what is known of a resource whenever one of its objects changes."""
        places: dict[str, Sequence[Object]] = {}

        def forget(_: Sequence[Event]) -> None:
            places.clear()

        store.watch(resource, forget)
        self._known[resource] = places
        return places
