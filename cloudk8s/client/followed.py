"""Single objects that others refer to: one watch for each, for as long as anybody refers to it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Resource


class Reference(NamedTuple):
    """One object by its name."""

    resource: Resource
    namespace: str
    name: str


class Followed:
    """`on_change` is called with each of those who refer to what changed."""

    def __init__(self, informers: Informers, *, on_change: Callable[[str], None]) -> None:
        self._informers, self._on_change = informers, on_change
        self._users: dict[Reference, set[str]] = {}
        self._known: dict[Reference, Informer] = {}

    def follow(self, user: str, wanted: Collection[Reference]) -> None:
        """What somebody refers to from now on; everything else is let go of for them."""
        for reference in wanted:
            self._users.setdefault(reference, set()).add(user)
            self.informer(reference)
        for reference in [each for each, users in self._users.items() if user in users and each not in wanted]:
            self._release(reference, user)

    def informer(self, reference: Reference) -> Informer:
        """What is known of an object, which is followed if it was not."""
        if reference not in self._known:
            resource, namespace, name = reference
            informer = self._informers.of(resource, namespace=namespace, field_selector=f"metadata.name={name}")
            informer.add_handler(lambda old, new: self._changed(reference))
            self._known[reference] = informer
        return self._known[reference]

    def _changed(self, reference: Reference) -> None:
        for user in self._users.get(reference, ()):
            self._on_change(user)

    def _release(self, reference: Reference, user: str) -> None:
        self._users[reference].discard(user)
        if not self._users[reference]:
            del self._users[reference]
            if informer := self._known.pop(reference, None):
                self._informers.drop(informer)
