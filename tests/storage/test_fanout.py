"""Delivery does not depend on how many watches do not care."""

from __future__ import annotations

from cloudk8s.storage.cache import FRAMED_EVENTS
from cloudk8s.storage.interface import Record, Write
from cloudk8s.storage.memory import MemoryStore
from tests.storage.writing import PODS, Seen, create, draft, text_of, update


async def test_an_index_is_evaluated_once_for_each_event_not_for_each_watch() -> None:
    store, evaluated = MemoryStore(), []

    def node_of(record: Record) -> str | None:
        evaluated.append(record)
        return text_of(record)

    store.add_index("node", PODS, node_of)
    nodes = [Seen() for _ in range(1000)]
    for n, seen in enumerate(nodes):
        store.watch(PODS, seen, index=("node", f"n{n}"))
    await create(store, "a/web", "n7")
    await update(store, "a/web", "n8")
    assert len(evaluated) == 2
    assert [n for n, seen in enumerate(nodes) if seen.calls] == [7, 8]


async def test_an_index_is_not_evaluated_before_it_is_used() -> None:
    store, evaluated = MemoryStore(), []
    store.add_index("node", PODS, lambda record: evaluated.append(record))
    await create(store, "a/web")
    assert evaluated == []


async def test_all_watches_of_a_prefix_share_one_sequence_of_events() -> None:
    store = MemoryStore()
    calls: list[object] = []
    for _ in range(3):
        store.watch(PODS, calls.append)
    await create(store, "a/web")
    assert len(calls) == 3
    assert calls[0] is calls[1] is calls[2]


async def test_closed_watches_leave_nothing_behind() -> None:
    store = MemoryStore()
    store.add_index("node", PODS, text_of)
    watches = [store.watch(prefix, Seen()) for prefix in (PODS, PODS, PODS + "a/w", "")]
    watches.append(store.watch(PODS, Seen(), index=("node", "n1")))
    assert len(store._fanout) == 5
    for watch in watches:
        watch.close()
    fanout = store._fanout
    assert (len(fanout), fanout._by_prefix, fanout._by_index, +fanout._odd_lengths) == (0, {}, {}, {})


async def test_what_readers_derived_is_dropped_with_age() -> None:
    store, seen = MemoryStore(), Seen()
    store.watch(PODS, seen)
    first = await create(store, "a/web")
    first.memo = {"decoded": "tree"}
    seen.events[0].frames["json"] = b"encoded"
    await update(store, "a/web")
    assert first.memo is None
    assert seen.events[0].frames
    for n in range(FRAMED_EVENTS):
        await store.write(Write(f"{PODS}b/{n}", draft(), 0))
    assert not seen.events[0].frames
