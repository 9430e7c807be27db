"""The held history: every event after the compacted revision, in order.

Events are kept apart by resource (the first four parts of a key, `/registry/core/pods/`), so that resuming a watch or
listing an old revision looks only at what happened to that resource.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from heapq import merge
from operator import attrgetter

from cloudk8s.storage.interface import Compacted, Event, FutureRevision

_PARTS = 4
_revision_of = attrgetter("revision")


class History:
    """What happened after `oldest`, up to `newest`."""

    __slots__ = ("_buckets", "newest", "oldest", "weight")

    def __init__(self, revision: int = 1) -> None:
        self.oldest = revision
        """State at this revision and every event after it can be told."""
        self.newest = revision
        self.weight = 0
        """Bytes of values superseded so far, held or not; only grows."""
        self._buckets: dict[str, list[Event]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def append(self, event: Event) -> None:
        """Add the next event; revisions only grow."""
        record, previous = event.record, event.previous
        bucket = self._buckets.get(_bucket_of(record.key))
        if bucket is None:
            bucket = self._buckets[_bucket_of(record.key)] = []
        bucket.append(event)
        self.newest = record.revision
        if previous is not None:
            self.weight += len(previous.value)

    def check(self, revision: int) -> None:
        """Raise Compacted or FutureRevision where `revision` is not held."""
        if revision < self.oldest:
            raise Compacted(revision, self.oldest)
        if revision > self.newest:
            raise FutureRevision(revision, self.newest)

    def check_compactable(self, revision: int) -> None:
        """Raise FutureRevision where `revision` has not happened; one that is compacted already is fine."""
        if revision > self.newest:
            raise FutureRevision(revision, self.newest)

    def since(self, prefix: str, revision: int) -> list[Event]:
        """The events below `prefix` after `revision`, in order."""
        found = [_below(bucket, prefix, revision) for bucket in self._buckets_of(prefix)]
        return found[0] if len(found) == 1 else list(merge(*found, key=_revision_of))

    def trim(self, revision: int) -> list[Event]:
        """Forget the events up to `revision` and return them, each resource's in order."""
        dropped: list[Event] = []
        for name, bucket in list(self._buckets.items()):
            end = bisect_right(bucket, revision, key=_revision_of)
            dropped += bucket[:end]
            del bucket[:end]
            if not bucket:
                del self._buckets[name]
        self.oldest = max(self.oldest, revision)
        return dropped

    def _buckets_of(self, prefix: str) -> Iterable[list[Event]]:
        if prefix.count("/") < _PARTS:
            return list(self._buckets.values())
        bucket = self._buckets.get(_bucket_of(prefix))
        return [] if bucket is None else [bucket]


def _below(bucket: list[Event], prefix: str, revision: int) -> list[Event]:
    start = bisect_right(bucket, revision, key=_revision_of)
    return [event for event in bucket[start:] if event.record.key.startswith(prefix)]


def _bucket_of(path: str) -> str:
    parts = path.split("/", _PARTS)
    return "/".join(parts[:_PARTS]) if len(parts) > _PARTS else ""
