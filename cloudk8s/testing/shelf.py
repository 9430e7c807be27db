"""In-memory resource types: a cloud small enough to reason about, for tests of stacks and of the engine.

A shelf refuses to delete what is still referred to, makes names unique, honours idempotency tokens, and counts calls,
so that tests see the mistakes a real cloud would punish.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, ResourceState, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG, RESOURCE_TAG
from cloudk8s.errors import CloudError


@dataclass(slots=True)
class Shelf:
    """Everything that one pretended account holds, and every call that was made, in order."""

    items: dict[str, Observed] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda call: None
    """Called before a call takes effect; raise here to make it fail."""
    after: Callable[[str], None] = lambda call: None
    """Called after a call took effect; raise here to lose its answer."""
    tokens: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def type(self, name: str, **traits: Any) -> ShelfType:
        """A resource type whose resources stand on this shelf."""
        return ShelfType(self, name, Traits(**traits))

    def mutations(self) -> list[str]:
        """The calls that changed something."""
        return [call for call in self.calls if not call.startswith("list ")]

    def present(self) -> set[str]:
        """Keys of everything that is there."""
        return {item.key for item in self.items.values()}

    def next_id(self, name: str) -> str:
        return f"{name}-{next(self._ids)}"

    def users_of(self, id: str) -> list[str]:
        """Ids of what refers to a resource."""
        return [
            item.id
            for item in self.items.values()
            if item.id != id and item.within != id and id in _strings(item.properties)
        ]


@dataclass(frozen=True, slots=True)
class ShelfType:
    """One type on a shelf; new resources are in `state`, and `within` names the property that holds the parent's id."""

    shelf: Shelf
    name: str
    traits: Traits = field(default_factory=Traits)
    state: ResourceState = "ready"
    within: str = ""

    def list(self, scope: Scope) -> Sequence[Observed]:
        with self._called(f"list {self.name}"):
            found = [item for item in self.shelf.items.values() if item.type == self.name]
            return [item for item in found if item.tags.get(CLUSTER_TAG) == scope.cluster]

    def create(self, call: Create) -> Observed:
        with self._called(f"create {call.key}"):
            if (id := self.shelf.tokens.get(call.token)) and id in self.shelf.items:
                return self.shelf.items[id]
            id = self.shelf.next_id(self.name)
            made = Observed(
                self.name, call.tags[RESOURCE_TAG], id, call.tags[OWNER_TAG], dict(call.properties),
                {"arn": f"arn:{id}"}, self.state, tags=dict(call.tags), within=self._parent(call.properties),
            )  # fmt: skip
            self.shelf.items[id] = made
            self.shelf.tokens[call.token] = id
            return made

    def update(self, call: Update) -> Observed:
        with self._called(f"update {call.observed.key}"):
            changed = {name: call.properties[name] for name in call.changed}
            present = self.shelf.items[call.observed.id]
            self.shelf.items[call.observed.id] = replace(present, properties={**present.properties, **changed})
            return self.shelf.items[call.observed.id]

    def delete(self, observed: Observed) -> None:
        with self._called(f"delete {observed.key}"):
            if users := self.shelf.users_of(observed.id):
                raise CloudError(f"{observed.id} is in use by {', '.join(users)}")
            self.shelf.items.pop(observed.id, None)
            for item in [item for item in self.shelf.items.values() if item.within == observed.id]:
                del self.shelf.items[item.id]

    def _parent(self, properties: Mapping[str, Any]) -> str:
        return str(properties.get(self.within, "")) if self.within else ""

    def _called(self, call: str) -> _Call:
        return _Call(self.shelf, call)


@dataclass(slots=True)
class _Call:
    shelf: Shelf
    call: str

    def __enter__(self) -> None:
        with self.shelf.lock:
            self.shelf.calls.append(self.call)
            self.shelf.before(self.call)
        self.shelf.lock.acquire()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.shelf.lock.release()
        if error is None:
            self.shelf.after(self.call)


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        return {text for item in value.values() for text in _strings(item)}
    if isinstance(value, (list, tuple)):
        return {text for item in value for text in _strings(item)}
    return set()
