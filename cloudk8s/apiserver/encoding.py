"""Trees to stored bytes and back.

A stored value starts with `kind`, `apiVersion` and `metadata`, and inside metadata every scalar comes before the first
map, so a resource version can be spliced in and the type be cut off at a known place without decoding anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.http.interface import Pieces
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Draft, Record

_METADATA_ORDER: Final = (
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
    "managedFields",
)  # fmt: skip
_PIECE: Final = 128 * 1024
"""About as much of a list as is made at once: little enough to stay in the processor's caches on its way out."""
_PLACE: Final = b'"resourceVersion":""'


class Attributes(NamedTuple):
    """What selectors look at."""

    labels: Mapping[str, str]
    fields: Mapping[str, str]


def draft_of(obj: Object, attributes: Attributes) -> Draft:
    """Encode an object for the store; `obj` is not changed."""
    metadata = {**obj["metadata"], "resourceVersion": ""}
    data = codec.encode(
        {"kind": obj["kind"], "apiVersion": obj["apiVersion"], "metadata": None}
        | obj
        | {"metadata": _in_order(metadata)}
    )
    at = data.index(_PLACE) + len(_PLACE) - 1
    return Draft(data[:at], data[at:], attributes)


def _in_order(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: metadata[key] for key in _METADATA_ORDER if metadata.get(key) is not None}


class TreeCache:
    """Decoded trees of recently touched objects, each at its newest: made late, dropped early.

    A tree hangs on its record (`Record.memo`), so everyone who holds the record shares it; only the newest `size` trees
    are kept, because live dicts at scale are what makes the garbage collector stop the world.
    """

    def __init__(self, size: int = 2048) -> None:
        self._recent: dict[str, Record] = {}
        self._size = size
        self._coming: dict[int, Object] = {}

    def tree(self, record: Record) -> Object:
        """The record's decoded object: shared, read-only."""
        memo = record.memo
        if memo is None:
            memo = self._written(record) or codec.decode(record.value)
            self.keep(record, memo)
        tree: Object = memo
        return tree

    def expect(self, draft: Draft, tree: Object) -> None:
        """Let watches in this process have the tree that is being written; decoding it again takes longer."""
        self._coming[id(draft.attributes)] = tree

    def forget(self, draft: Draft) -> None:
        """The write has ended, well or not."""
        self._coming.pop(id(draft.attributes), None)

    def _written(self, record: Record) -> Object | None:
        """The tree of a record whose write ends in this very turn of the loop; a draft's attributes are its own."""
        tree = self._coming.pop(id(record.attributes), None)
        if tree is not None:
            tree["metadata"]["resourceVersion"] = str(record.revision)
        return tree

    def keep(self, record: Record, tree: Object) -> None:
        """Remember a tree that was at hand when the record was written."""
        record.memo, recent = tree, self._recent
        if (before := recent.pop(record.key, None)) is not None and before is not record:
            before.memo = None
        recent[record.key] = record
        if len(recent) > self._size:
            recent.pop(next(iter(recent))).memo = None


def type_prefix(kind: str, api_version: str) -> bytes:
    """What every stored value of a kind begins with."""
    return b'{"kind":' + codec.encode(kind) + b',"apiVersion":' + codec.encode(api_version) + b","


def stored_list(head: bytes, records: Sequence[Record], *, cut: int) -> Pieces:
    """A list document of stored values without the first `cut` bytes of each, their type; at least one record."""
    values = [record.value for record in records]
    size = sum(map(len, values))
    around = len(head) + len(b"{") + (len(b",{") - cut) * len(records)  # the last pair of marks is the end's
    step = max(1, _PIECE * len(records) // size)

    def make() -> Iterator[bytes]:
        for start in range(0, len(values), step):
            parts: list[bytes | memoryview] = [b""]
            parts += [memoryview(value)[cut:] for value in values[start : start + step]]
            if start == 0:
                parts[:2] = [b"".join((head, b"{", parts[1]))]
            if start + step >= len(values):
                parts[-1] = b"".join((parts[-1], b"]}"))
            yield b",{".join(parts)

    return Pieces(size + around, make)


def list_head(resource: ResourceType, metadata: Mapping[str, Any]) -> bytes:
    """The beginning of a list document, up to and including the bracket of `items`."""
    kind = codec.encode(resource.list_kind or resource.kind + "List")
    head = b'{"kind":' + kind + b',"apiVersion":' + codec.encode(resource.api_version)
    return head + b',"metadata":' + codec.encode(metadata) + b',"items":['
