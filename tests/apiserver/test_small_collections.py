"""What is remembered of a small collection is what is stored."""

from __future__ import annotations

from cloudk8s.apiserver.small_collections import SmallCollections
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Draft, Record, Write
from cloudk8s.storage.memory import MemoryStore

PREFIX = "/registry/core/limitranges/"
reads: list[str] = []


def tree(record: Record) -> dict[str, str]:
    reads.append(record.key)
    obj: dict[str, str] = codec.decode(record.value)
    return obj


async def put(store: MemoryStore, name: str, expected: int | None = None) -> Record:
    head = b'{"name":"%b","metadata":{"resourceVersion":"' % name.encode()
    return await store.write(Write(PREFIX + name, Draft(head, b'"}}'), expected))


async def test_reads_again_what_has_changed_and_nothing_else() -> None:
    store, small = MemoryStore(), SmallCollections()

    def names(place: str) -> list[str]:
        return [item["name"] for item in small.of(store, PREFIX, PREFIX + place, tree)]

    assert names("a/") == []
    await put(store, "a/one")
    assert names("a/") == ["a/one"]
    reads.clear()
    assert names("a/") == ["a/one"]
    assert reads == []
    await put(store, "b/two")
    assert (names("a/"), names("b/"), names("")) == (["a/one"], ["b/two"], ["a/one", "b/two"])
    await store.write(Write(PREFIX + "a/one", None, None))
    assert (names("a/"), names("")) == ([], ["b/two"])
    await store.close()
