"""What every backend guarantees, said once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from cloudk8s.errors import StorageError
from cloudk8s.storage.interface import Compacted, Draft, Event, FutureRevision, Record, RevisionConflict, Store, Write
from tests.storage.writing import PODS, Seen, create, delete, draft, names, text_of, update


class TestWriting:
    async def test_an_empty_store_has_a_positive_revision(self, store: Store) -> None:
        assert store.revision >= 1
        assert await store.current_revision() == store.revision

    async def test_created_is_read_back_with_its_revision_spliced_in(self, store: Store) -> None:
        record = await create(store, "a/web", "one")
        assert record.revision == store.revision
        assert record.value == b'{"metadata":{"resourceVersion":"%d"},"text":"one"}' % record.revision
        assert store.get(PODS + "a/web") is record
        assert store.get(PODS + "a/we") is None

    async def test_attributes_of_a_draft_are_carried(self, store: Store) -> None:
        record = await store.write(Write(PODS + "a/web", Draft(b"", b"", attributes={"app": "web"}), 0))
        assert record.attributes == {"app": "web"}

    async def test_revisions_grow_with_every_write(self, store: Store) -> None:
        revisions = [(await create(store, f"a/{n}")).revision for n in range(5)]
        assert revisions == sorted(set(revisions))

    async def test_create_of_what_exists_conflicts_and_shows_it(self, store: Store) -> None:
        record = await create(store, "a/web")
        with pytest.raises(RevisionConflict) as caught:
            await create(store, "a/web")
        assert caught.value.current is record

    async def test_update_at_the_expected_revision(self, store: Store) -> None:
        first = await create(store, "a/web", "one")
        second = await store.write(Write(PODS + "a/web", draft("two"), first.revision))
        assert text_of(second) == "two"
        assert second.revision > first.revision

    async def test_update_at_an_old_revision_conflicts(self, store: Store) -> None:
        first = await create(store, "a/web")
        second = await update(store, "a/web")
        with pytest.raises(RevisionConflict) as caught:
            await store.write(Write(PODS + "a/web", draft(), first.revision))
        assert caught.value.current is second
        assert store.get(PODS + "a/web") is second

    async def test_update_of_nothing_conflicts_with_none(self, store: Store) -> None:
        with pytest.raises(RevisionConflict) as caught:
            await store.write(Write(PODS + "a/web", draft(), 7))
        assert caught.value.current is None

    async def test_delete_returns_the_last_state_at_the_deletions_revision(self, store: Store) -> None:
        first = await create(store, "a/web", "one")
        gone = await store.write(Write(PODS + "a/web", None, first.revision))
        assert gone.revision == store.revision > first.revision
        assert gone.value == b'{"metadata":{"resourceVersion":"%d"},"text":"one"}' % gone.revision
        assert store.get(PODS + "a/web") is None

    async def test_delete_of_nothing_conflicts_even_unconditionally(self, store: Store) -> None:
        with pytest.raises(RevisionConflict):
            await delete(store, "a/web")

    async def test_delete_at_an_old_revision_conflicts(self, store: Store) -> None:
        first = await create(store, "a/web")
        await update(store, "a/web")
        with pytest.raises(RevisionConflict):
            await store.write(Write(PODS + "a/web", None, first.revision))

    async def test_a_deleted_key_can_be_created_again(self, store: Store) -> None:
        await create(store, "a/web", "one")
        await delete(store, "a/web")
        assert text_of(await create(store, "a/web", "two")) == "two"

    async def test_of_writes_racing_for_one_revision_one_wins(self, store: Store) -> None:
        first = await create(store, "a/web")
        racing = [store.write(Write(PODS + "a/web", draft(str(n)), first.revision)) for n in range(8)]
        results = await asyncio.gather(*racing, return_exceptions=True)
        won = [result for result in results if isinstance(result, Record)]
        lost = [result for result in results if isinstance(result, RevisionConflict)]
        assert len(won) == 1
        assert len(lost) == 7
        assert {conflict.current for conflict in lost} == {store.get(PODS + "a/web")} == set(won)

    async def test_of_creates_racing_for_one_key_one_wins(self, store: Store) -> None:
        results = await asyncio.gather(*[create(store, "a/web", str(n)) for n in range(8)], return_exceptions=True)
        assert sum(isinstance(result, Record) for result in results) == 1
        assert sum(isinstance(result, RevisionConflict) for result in results) == 7

    async def test_unconditional_writes_to_one_key_all_happen_in_order(self, store: Store) -> None:
        seen = Seen()
        store.watch(PODS, seen)
        records = await asyncio.gather(*[update(store, "a/web", str(n)) for n in range(8)])
        assert [text_of(record) for record in records] == [str(n) for n in range(8)]
        assert [event.type for event in seen.events] == ["ADDED"] + ["MODIFIED"] * 7
        assert [event.record for event in seen.events] == records

    async def test_relaxed_writes_keep_their_place_among_durable_ones(self, store: Store) -> None:
        seen = Seen()
        store.watch(PODS, seen)
        for n in range(10):
            await store.write(Write(f"{PODS}a/{n}", draft(), 0, durability="relaxed" if n % 2 else "durable"))
        assert [event.record.key for event in seen.events] == [f"{PODS}a/{n}" for n in range(10)]

    async def test_a_cancelled_caller_does_not_stop_others(self, store: Store) -> None:
        task = asyncio.create_task(create(store, "a/one"))
        other = asyncio.create_task(create(store, "a/two"))
        await asyncio.sleep(0)
        task.cancel()
        await other
        assert names(store.range(PODS).records)[-1] == "a/two"

    async def test_a_closed_store_takes_no_writes(self, store: Store) -> None:
        await store.close()
        with pytest.raises(StorageError):
            await create(store, "a/web")
        await store.close()

    async def test_closing_finishes_queued_writes(self, store: Store) -> None:
        writes = [asyncio.create_task(create(store, f"a/{n}")) for n in range(20)]
        await asyncio.sleep(0)
        await store.close()
        assert len(await asyncio.gather(*writes)) == 20


class TestRanges:
    async def test_records_come_in_order_of_their_keys(self, store: Store) -> None:
        for name in ("b/2", "a/9", "a/10", "c/1"):
            await create(store, name)
        found = store.range(PODS)
        assert names(found.records) == ["a/10", "a/9", "b/2", "c/1"]
        assert (found.revision, found.remaining) == (store.revision, 0)

    async def test_only_what_is_below_the_prefix(self, store: Store) -> None:
        await create(store, "a/web")
        await create(store, "ab/web")
        await create(store, "a/web", prefix="/registry/core/podtemplates/")
        assert names(store.range(PODS + "a/").records) == ["a/web"]
        assert names(store.range(PODS).records) == ["a/web", "ab/web"]
        assert len(store.range("").records) == 3
        assert [store.count(prefix) for prefix in (PODS, PODS + "a/", PODS + "b/", "")] == [2, 1, 0, 3]

    async def test_a_key_is_below_itself(self, store: Store) -> None:
        await create(store, "a/web")
        assert names(store.range(PODS + "a/web").records) == ["a/web"]
        assert store.count(PODS + "a/web") == 1

    async def test_pages_cover_everything_once(self, store: Store) -> None:
        for n in range(25):
            await create(store, f"a/{n:02}")
        pages, after = [], ""
        while True:
            page = store.range(PODS, after=after, limit=10)
            pages.append((names(page.records), page.remaining))
            if not page.remaining:
                break
            after = page.records[-1].key
        assert [(len(page), remaining) for page, remaining in pages] == [(10, 15), (10, 5), (5, 0)]
        assert [name for page, _ in pages for name in page] == [f"a/{n:02}" for n in range(25)]

    async def test_an_old_revision_shows_what_was_then(self, store: Store) -> None:
        await create(store, "a/changed", "old")
        await create(store, "a/removed", "old")
        then = store.revision
        before = store.range(PODS)
        await update(store, "a/changed", "new")
        await delete(store, "a/removed")
        await create(store, "a/added", "new")
        await create(store, "a/removed", "new")
        found = store.range(PODS, revision=then)
        assert list(found.records) == list(before.records)
        assert (found.revision, found.remaining) == (then, 0)

    async def test_pages_of_an_old_revision_are_of_one_piece(self, store: Store) -> None:
        for n in range(9):
            await create(store, f"a/{n}", "old")
        then = store.revision
        for n in range(0, 9, 2):
            await delete(store, f"a/{n}")
            await create(store, f"b/{n}")
        first = store.range(PODS, limit=4, revision=then)
        second = store.range(PODS, after=PODS + "a/3", limit=4, revision=then)
        third = store.range(PODS, after=PODS + "a/7", limit=4, revision=then)
        assert [names(page.records) for page in (first, second, third)] == [
            ["a/0", "a/1", "a/2", "a/3"],
            ["a/4", "a/5", "a/6", "a/7"],
            ["a/8"],
        ]
        assert [page.remaining for page in (first, second, third)] == [5, 1, 0]

    async def test_a_revision_of_the_future_is_refused(self, store: Store) -> None:
        with pytest.raises(FutureRevision):
            store.range(PODS, revision=store.revision + 1)
        with pytest.raises(FutureRevision):
            store.watch(PODS, Seen(), after=store.revision + 1)


class TestWatching:
    async def test_every_change_below_the_prefix_is_told_once_and_in_order(self, store: Store) -> None:
        seen = Seen()
        store.watch(PODS, seen)
        first = await create(store, "a/web", "one")
        second = await update(store, "a/web", "two")
        await create(store, "a/web", prefix="/registry/apps/deployments/")
        gone = await delete(store, "a/web")
        assert seen.told == [("ADDED", "a/web"), ("MODIFIED", "a/web"), ("DELETED", "a/web")]
        assert [(event.record, event.previous) for event in seen.events] == [
            (first, None),
            (second, first),
            (gone, second),
        ]
        assert [event.revision for event in seen.events] == [first.revision, second.revision, gone.revision]

    async def test_each_watch_sees_its_own_prefix(self, store: Store) -> None:
        seen = {prefix: Seen() for prefix in ("", "/registry/", PODS, PODS + "a/", PODS + "a/we", PODS + "a/web")}
        for prefix, deliver in seen.items():
            store.watch(prefix, deliver)
        await create(store, "a/web")
        await create(store, "a/website")
        await create(store, "b/web")
        assert [len(deliver.events) for deliver in seen.values()] == [3, 3, 3, 2, 2, 2]

    async def test_watches_of_one_prefix_share_one_event(self, store: Store) -> None:
        one, two = Seen(), Seen()
        store.watch(PODS, one)
        store.watch(PODS, two)
        await create(store, "a/web")
        assert one.events[0] is two.events[0]

    async def test_history_is_told_before_watch_returns(self, store: Store) -> None:
        await create(store, "a/before")
        then = store.revision
        await create(store, "a/one")
        await create(store, "x", prefix="/registry/core/nodes/")
        await delete(store, "a/one")
        seen = Seen()
        store.watch(PODS, seen, after=then)
        assert seen.told == [("ADDED", "a/one"), ("DELETED", "a/one")]
        await create(store, "a/two")
        assert seen.told[2:] == [("ADDED", "a/two")]

    async def test_history_of_everything_comes_in_order(self, store: Store) -> None:
        then = store.revision
        for n in range(6):
            await create(store, str(n), prefix=f"/registry/core/{'pods' if n % 2 else 'nodes'}/")
        seen = Seen()
        store.watch("/registry/", seen, after=then)
        revisions = [event.revision for event in seen.events]
        assert len(revisions) == 6
        assert revisions == sorted(revisions)

    async def test_from_now_on_tells_no_history(self, store: Store) -> None:
        await create(store, "a/web")
        seen = Seen()
        store.watch(PODS, seen)
        store.watch(PODS, seen, after=store.revision)
        assert seen.calls == []

    async def test_a_closed_watch_hears_nothing_more(self, store: Store) -> None:
        seen = Seen()
        watch = store.watch(PODS, seen)
        await create(store, "a/one")
        watch.close()
        watch.close()
        await create(store, "a/two")
        assert seen.told == [("ADDED", "a/one")]

    async def test_a_watch_closed_by_a_neighbour_during_delivery_hears_nothing(self, store: Store) -> None:
        seen = Seen()
        store.watch(PODS, lambda events: later.close())
        later = store.watch(PODS, seen)
        await create(store, "a/web")
        assert seen.calls == []

    async def test_a_watch_begun_during_delivery_hears_the_commit_once(self, store: Store) -> None:
        then, inner = store.revision, Seen()

        def begin(events: Sequence[Event]) -> None:
            if not inner.calls:
                store.watch(PODS + "a/", inner, after=then)

        store.watch(PODS, begin)
        store.watch(PODS + "a/", lambda events: None)
        await create(store, "a/web")
        assert inner.told == [("ADDED", "a/web")]

    async def test_a_failing_watch_does_not_hurt_others(self, store: Store) -> None:
        def fail(events: Sequence[Event]) -> None:
            raise RuntimeError("boom")

        seen = Seen()
        store.watch(PODS, fail)
        store.watch(PODS, seen)
        record = await create(store, "a/web")
        assert [event.record for event in seen.events] == [record]

    async def test_what_is_told_is_already_read(self, store: Store) -> None:
        read: list[Record | None] = []
        store.watch(PODS, lambda events: read.append(store.get(events[0].record.key)))
        record = await create(store, "a/web")
        assert read == [record]


def node_of(record: Record) -> str | None:
    return text_of(record) or None


class TestIndexes:
    async def test_records_are_found_by_value(self, store: Store) -> None:
        store.add_index("node", PODS, node_of)
        for name, node in (("b", "n1"), ("a", "n1"), ("c", "n2"), ("d", "")):
            await create(store, f"x/{name}", node)
        await create(store, "x", "n1", prefix="/registry/core/secrets/")
        assert names(store.by_index("node", "n1")) == ["x/a", "x/b"]
        await update(store, "x/a", "n2")
        await delete(store, "x/b")
        assert names(store.by_index("node", "n1")) == []
        assert names(store.by_index("node", "n2")) == ["x/a", "x/c"]
        assert names(store.by_index("node", "n3")) == []

    async def test_a_watch_hears_of_its_value_only(self, store: Store) -> None:
        store.add_index("node", PODS, node_of)
        one, two = Seen(), Seen()
        store.watch(PODS, one, index=("node", "n1"))
        store.watch(PODS, two, index=("node", "n2"))
        await create(store, "x/a", "n1")
        await create(store, "x/b", "n2")
        await create(store, "x/c", "")
        await update(store, "x/a", "n2")
        await delete(store, "x/b")
        assert one.told == [("ADDED", "x/a"), ("MODIFIED", "x/a")]
        assert two.told == [("ADDED", "x/b"), ("MODIFIED", "x/a"), ("DELETED", "x/b")]

    async def test_history_is_told_by_value_too(self, store: Store) -> None:
        store.add_index("node", PODS, node_of)
        await create(store, "x/a", "n1")
        then = store.revision
        await update(store, "x/a", "n2")
        await create(store, "x/b", "n3")
        seen = Seen()
        store.watch(PODS, seen, after=then, index=("node", "n1"))
        assert seen.told == [("MODIFIED", "x/a")]

    async def test_an_index_and_a_namespace_together(self, store: Store) -> None:
        store.add_index("node", PODS, node_of)
        seen = Seen()
        store.watch(PODS + "x/", seen, index=("node", "n1"))
        await create(store, "x/a", "n1")
        await create(store, "y/a", "n1")
        assert seen.told == [("ADDED", "x/a")]

    async def test_an_unknown_index_is_refused(self, store: Store) -> None:
        store.add_index("node", PODS, node_of)
        with pytest.raises(StorageError, match="known: node"):
            store.watch(PODS, Seen(), index=("nod", "n1"))
        with pytest.raises(StorageError, match="exists already"):
            store.add_index("node", PODS, node_of)


class TestCompaction:
    async def test_older_revisions_are_refused_and_the_newest_records_stay(self, store: Store) -> None:
        first = await create(store, "a/web", "one")
        second = await update(store, "a/web", "two")
        await store.compact(second.revision)
        assert store.oldest_revision == second.revision
        with pytest.raises(Compacted) as caught:
            store.range(PODS, revision=first.revision)
        assert (caught.value.revision, caught.value.oldest) == (first.revision, second.revision)
        with pytest.raises(Compacted):
            store.watch(PODS, Seen(), after=first.revision)
        assert store.get(PODS + "a/web") is second

    async def test_the_compacted_revision_itself_is_held(self, store: Store) -> None:
        await create(store, "a/one")
        then = store.revision
        await create(store, "a/two")
        await store.compact(then)
        seen = Seen()
        store.watch(PODS, seen, after=then)
        assert seen.told == [("ADDED", "a/two")]
        assert names(store.range(PODS, revision=then).records) == ["a/one"]

    async def test_what_is_compacted_already_stays_so(self, store: Store) -> None:
        for n in range(4):
            await create(store, f"a/{n}")
        newest = store.revision
        await store.compact(newest)
        await store.compact(newest - 2)
        assert store.oldest_revision == newest

    async def test_what_was_never_held_needs_no_compaction(self, store: Store) -> None:
        oldest = store.oldest_revision
        for revision in (-3, 0, oldest):
            await store.compact(revision)
        assert store.oldest_revision == oldest

    async def test_the_future_cannot_be_compacted(self, store: Store) -> None:
        with pytest.raises(FutureRevision):
            await store.compact(store.revision + 1)

    async def test_writing_goes_on_after_compaction(self, store: Store) -> None:
        first = await create(store, "a/web", "one")
        await store.compact(store.revision)
        second = await store.write(Write(PODS + "a/web", draft("two"), first.revision))
        await delete(store, "a/web")
        assert names(store.range(PODS, revision=second.revision).records) == ["a/web"]
