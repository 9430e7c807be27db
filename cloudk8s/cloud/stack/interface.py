"""The contract of a resource type, and what is observed.

A resource type is a handful of SDK calls around one kind of cloud object. It translates between the cloud's shapes and
the property names that the stack uses, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from cloudk8s.cloud.stack.resource import Owner
from cloudk8s.errors import CloudError

ResourceState = Literal["ready", "pending", "deleting", "failed"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What to list: everything of a cluster, or of one owner in it."""

    cluster: str
    owner: str = ""
    """UID; empty is every owner. A type may ignore it and list more."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One resource as it is in the cloud, found by its ownership tags."""

    type: str
    key: str
    id: str
    owner: str
    """UID of the owner, from the tag."""
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """In the stack's vocabulary, with ids where the stack has references. What is missing here is not compared."""
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What references may ask for beside `id` (an ARN, a DNS name)."""
    state: ResourceState = "ready"
    reason: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    within: str = ""
    """Id of the resource whose deletion deletes this one too."""

    @property
    def is_alive(self) -> bool:
        """It can still serve; a dead one only explains why a new one is made."""
        return self.state in ("ready", "pending")

    def attribute(self, name: str) -> Any:
        """The value that a reference to this resource stands for; None while it is not known."""
        return self.id if name == "id" else self.attributes.get(name)


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that was found, at about one moment."""

    resources: tuple[Observed, ...] = ()

    def of(self, owner: str) -> Observation:
        """What belongs to one owner."""
        return Observation(tuple(entry for entry in self.resources if entry.owner == owner))

    def get(self, key: str) -> Observed | None:
        """The resource with this key; a live one where there are several."""
        found = [entry for entry in self.resources if entry.key == key]
        return min(found, key=lambda entry: not entry.is_alive, default=None)

    def owners(self) -> tuple[str, ...]:
        """The UIDs that own anything, in a stable order."""
        return tuple(sorted({entry.owner for entry in self.resources}))


@dataclass(frozen=True, slots=True)
class Create:
    """One resource to be made. `tags` hold ownership; put them into the creating call where the cloud lets you."""

    owner: Owner
    key: str
    properties: Mapping[str, Any]
    token: str
    """The same for every attempt at the same intent: the cloud's idempotency token, or part of a name."""
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Update:
    """One resource to be changed in place."""

    owner: Owner
    observed: Observed
    properties: Mapping[str, Any]
    """All wanted properties, with references resolved."""
    changed: frozenset[str]
    """Names of the properties that differ."""
    token: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Traits:
    """How a type's properties compare and change."""

    immutable: frozenset[str] = frozenset()
    """A difference here means delete and create again."""
    unordered: frozenset[str] = frozenset()
    """Lists whose order means nothing."""
    write_only: frozenset[str] = frozenset()
    """Used at creation and never compared (the cloud does not tell)."""
    api: str = ""
    """Name of the rate-limit bucket; empty is the type's own name."""
    blocks_until_ready: bool = False
    """What refers to a resource of this type is not touched while that is `pending`."""


class ResourceType(Protocol):
    """One kind of cloud object. Methods block; they may run at the same time for different resources."""

    @property
    def name(self) -> str: ...

    @property
    def traits(self) -> Traits: ...

    def list(self, scope: Scope) -> Sequence[Observed]:
        """Everything owned, complete or an error; resources that are gone for good are left out."""

    def create(self, call: Create) -> Observed:
        """Make it, or return what an earlier attempt with the same token or name has made.

        Return as soon as the cloud has answered, with state `pending` where work goes on.
        """

    def update(self, call: Update) -> Observed:
        """Change what differs, in place."""

    def delete(self, observed: Observed) -> None:
        """Delete it; absent is success. Raises an error that names what blocks it, RetryLater while it takes time."""


@runtime_checkable
class CreatesMany(Protocol):
    """A type that makes many resources in one call."""

    def create_many(self, calls: Sequence[Create]) -> Mapping[str, Observed | CloudError]:
        """As `create`, answering by key."""


@runtime_checkable
class DeletesMany(Protocol):
    """A type that deletes many resources in one call."""

    def delete_many(self, resources: Sequence[Observed]) -> Mapping[str, CloudError]:
        """As `delete`; failures by id."""


class SharedReads(Protocol):
    """Answers of the cloud that several types read from."""

    def begin(self, scope: Scope, types: Collection[str]) -> None:
        """An observation of these types begins: forget the answers of the last one."""


@runtime_checkable
class SharesReads(Protocol):
    """A type whose listing reads answers that it shares with others; the engine says when they must be fresh."""

    @property
    def shared(self) -> SharedReads: ...
