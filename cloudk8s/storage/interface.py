"""The store contract: etcd's semantics, embedded.

One monotonic revision for the whole store; compare-and-swap on a record's revision; ordered watch from any revision
still held; compaction after which older ones answer `Compacted`. Reads come from memory and are plain function calls;
writes are awaited and return once they are durable.

A value is JSON with its own revision spliced in at `metadata.resourceVersion`. Writers hand in a `Draft`: the bytes
before and after the revision. Objects are encoded with `metadata` before everything but `kind` and `apiVersion`, and
`resourceVersion` before any map inside metadata, so the first `"resourceVersion":"` of a value is always the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from cloudk8s.errors import StorageError

EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Durability = Literal["durable", "relaxed"]
"""`relaxed` writes (events, leases) may lose the last moments in a crash of the host, never their order."""


class RevisionConflict(StorageError):
    """The record is not at the expected revision; `current` is what is there, None if nothing is."""

    def __init__(self, key: str, current: Record | None) -> None:
        super().__init__(f"{key}: revision conflict")
        self.key = key
        self.current = current


class Compacted(StorageError):
    """That revision is no longer held; `oldest` is the first that still is."""

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(f"revision {revision} has been compacted, the oldest held is {oldest}")
        self.revision = revision
        self.oldest = oldest


class FutureRevision(StorageError):
    """That revision has not happened yet."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"revision {revision} is larger than the current {current}")
        self.revision = revision
        self.current = current


@dataclass(frozen=True, slots=True)
class Draft:
    """A value about to be written: the stored bytes are `head + str(revision) + tail`.

    `attributes` becomes `Record.attributes`; the store only carries it.
    """

    head: bytes
    tail: bytes
    attributes: Any = None


class Record:
    """One stored object at one revision. Immutable, but for `attributes` and `memo`, which its readers fill once.

    `attributes` is what selectors look at (labels and fields), None until someone computes it after a restart;
    `memo` is a reader's cache of things derived from `value` (a decoded tree, another encoding); dropping it is safe.
    """

    __slots__ = ("attributes", "key", "memo", "revision", "value")

    def __init__(self, key: str, value: bytes, revision: int, attributes: Any = None) -> None:
        self.key = key
        self.value = value
        self.revision = revision
        self.attributes = attributes
        self.memo: Any = None

    def __repr__(self) -> str:
        return f"Record({self.key}@{self.revision})"


class Event:
    """One change. For DELETED, `record` is the last state with the deletion's revision spliced in.

    `frames` is a cache for encodings of this event, shared by all watchers: encode once, send to thousands.
    """

    __slots__ = ("frames", "previous", "record", "type")

    def __init__(self, type: EventType, record: Record, previous: Record | None) -> None:
        self.type = type
        self.record = record
        self.previous = previous
        self.frames: dict[Any, bytes] = {}

    @property
    def revision(self) -> int:
        return self.record.revision


@dataclass(frozen=True, slots=True)
class Range:
    """Part of the store at one revision, ordered by key."""

    records: Sequence[Record]
    revision: int
    remaining: int
    """How many more records of the prefix come after the last one."""


@dataclass(frozen=True, slots=True)
class Write:
    """One compare-and-swap.

    `expected` is the revision the key must be at: 0 is "must not exist", None is "whatever is there".
    `draft` None deletes.
    """

    key: str
    draft: Draft | None
    expected: int | None
    durability: Durability = "durable"


Deliver = Callable[[Sequence[Event]], None]
"""Called on the event loop with all events of one commit that a watch sees, in order. It must not block or raise."""


class Subscription(Protocol):
    """A running watch."""

    def close(self) -> None:
        """Stop; no call of `deliver` follows. Idempotent."""


class Store(Protocol):
    """What the API server needs of a store. All calls are made on one event loop.

    Guaranteed: revisions grow by at least one for each write; a watcher sees every event of its prefix once and in
    order; what a write acknowledged is seen by every later read. Not guaranteed: that revisions have no gaps.
    """

    @property
    def revision(self) -> int:
        """The newest committed revision."""

    @property
    def oldest_revision(self) -> int:
        """The oldest revision that `range` and `watch` can still serve."""

    @property
    def is_shared(self) -> bool:
        """Other servers may write to it: what this one reads may be behind what one of them has acknowledged."""

    @property
    def size(self) -> int | None:
        """Bytes on this host's disk, None where nothing is kept there."""

    async def current_revision(self) -> int:
        """A revision at least as new as any write acknowledged anywhere; a round trip on a shared store."""

    def get(self, key: str) -> Record | None:
        """The newest record of a key."""

    def range(self, prefix: str, *, after: str = "", limit: int = 0, revision: int | None = None) -> Range:
        """Records whose key starts with `prefix` and is greater than `after`; `limit` 0 is all.

        Raises Compacted or FutureRevision for a `revision` that is not held.
        """

    def count(self, prefix: str) -> int:
        """How many records a prefix holds, without touching them."""

    async def write(self, write: Write) -> Record:
        """Compare, swap, and return once it is as durable as asked.

        Returns the new record; for a delete, the deleted one with the deletion's revision spliced in.
        Raises RevisionConflict, and StorageError when the store cannot take writes.
        """

    def watch(
        self, prefix: str, deliver: Deliver, *, after: int | None = None, index: tuple[str, str] | None = None
    ) -> Subscription:
        """Call `deliver` for every commit with a change below `prefix` after revision `after` (None: from now on).

        Held history is delivered before this returns. `index` is a name and value of an index that
        `add_index` made: only events whose new or old record has that value are delivered, at a cost that does
        not grow with the number of watches for other values. Raises Compacted or FutureRevision.
        """

    def add_index(self, name: str, prefix: str, value_of: Callable[[Record], str | None]) -> None:
        """Make `name` usable as `index` of watches below `prefix`, and as `by_index`."""

    def by_index(self, name: str, value: str) -> Sequence[Record]:
        """The newest records whose index value is `value`, ordered by key."""

    async def compact(self, revision: int) -> None:
        """Forget history before `revision`; the newest record of every key is always kept."""

    async def close(self) -> None:
        """Finish queued writes and release the file or connection."""
