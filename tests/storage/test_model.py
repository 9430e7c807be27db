"""Random writes, reads, watches and compactions against a model that keeps every state it ever had."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cloudk8s.storage.interface import Compacted, FutureRevision, Record, RevisionConflict, Store, Write
from cloudk8s.storage.memory import MemoryStore
from cloudk8s.storage.sqlite.store import SqliteStore
from tests.storage.etcd_server import EtcdServer
from tests.storage.writing import PODS, Seen, draft, text_of

KEYS = [f"{PODS}{name}" for name in ("a/1", "a/2", "a/22", "b/1")] + ["/registry/core/nodes/1", "/odd"]
PREFIXES = ["", "/registry/", PODS, PODS + "a/", PODS + "a/2", "/registry/core/nodes/", "/od"]
VALUES = ["red", "blue", ""]

keys, prefixes, values = st.sampled_from(KEYS), st.sampled_from(PREFIXES), st.sampled_from(VALUES)
T = TypeVar("T")


def color_of(record: Record) -> str | None:
    return text_of(record) or None


class Running:
    """A watch with what the model says it must have been told."""

    def __init__(self, prefix: str, color: str | None) -> None:
        self.prefix = prefix
        self.color = color
        self.seen = Seen()
        self.expected: list[tuple[str, int]] = []

    def expect(self, change: Change) -> None:
        if not change.key.startswith(self.prefix):
            return
        if self.color is None or (change.key.startswith(PODS) and self.color in change.colors):
            self.expected.append((change.type, change.revision))


class Change:
    """One write as the model saw it."""

    def __init__(self, key: str, revision: int, old: str | None, new: str | None) -> None:
        self.key = key
        self.revision = revision
        self.type = "DELETED" if new is None else "ADDED" if old is None else "MODIFIED"
        self.colors = {old, new}


class StoreMachine(RuleBasedStateMachine):
    """Drives a store; subclasses say which."""

    keeps = True
    """Whether what is written is there when the store is opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.store: Store = self.run(self.open())
        self.store.add_index("color", PODS, color_of)
        self.now: dict[str, tuple[int, str]] = {}
        self.states = {0: self.now}
        self.changes: list[Change] = []
        self.watches: list[Running] = []
        self.oldest = self.store.oldest_revision

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    async def open(self) -> Store:
        raise NotImplementedError

    def teardown(self) -> None:
        self.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    @initialize()
    def start_at_a_revision(self) -> None:
        assert self.store.revision >= 1

    @rule(key=keys, value=st.none() | values, expected=st.sampled_from(["right", "wrong", "any", "absent"]))
    def write(self, key: str, value: str | None, expected: str) -> None:
        current = self.now.get(key)
        at = current[0] if current else 0
        wanted = {"right": at, "wrong": at + 1, "any": None, "absent": 0}[expected]
        write = Write(key, None if value is None else draft(value), wanted)
        if (wanted is not None and wanted != at) or (value is None and current is None):
            with pytest.raises(RevisionConflict) as caught:
                self.run(self.store.write(write))
            assert (caught.value.current.revision if caught.value.current else 0) == at
            return
        self.follow(key, value, self.run(self.store.write(write)))

    def follow(self, key: str, value: str | None, record: Record) -> None:
        old = self.now.get(key)
        assert record.revision > max(self.states)
        assert text_of(record) == (value if value is not None else old[1] if old else None)
        self.now = {k: v for k, v in self.now.items() if k != key}
        if value is not None:
            self.now[key] = (record.revision, value)
        self.states[record.revision] = self.now
        change = Change(key, record.revision, old[1] if old else None, value)
        self.changes.append(change)
        for watch in self.watches:
            watch.expect(change)

    @rule(prefix=prefixes, after=st.sampled_from(["", *KEYS]), limit=st.integers(0, 4), back=st.integers(-1, 12))
    def list(self, prefix: str, after: str, limit: int, back: int) -> None:
        revision = self.store.revision - back
        try:
            found = self.store.range(prefix, after=after, limit=limit, revision=revision)
        except Compacted:
            assert revision < self.oldest
            return
        except FutureRevision:
            assert back < 0
            return
        assert self.oldest <= revision <= self.store.revision
        state = self.states[max(held for held in self.states if held <= revision)]
        wanted = sorted(key for key in state if key.startswith(prefix) and key > after)
        page = wanted[:limit] if limit else wanted
        assert [(r.key, r.revision, text_of(r)) for r in found.records] == [(key, *state[key]) for key in page]
        assert (found.revision, found.remaining) == (revision, len(wanted) - len(page))

    @rule(prefix=prefixes, back=st.none() | st.integers(-1, 12), color=st.none() | st.sampled_from(VALUES[:2]))
    def watch(self, prefix: str, back: int | None, color: str | None) -> None:
        after = None if back is None else self.store.revision - back
        watch = Running(prefix, color)
        try:
            self.store.watch(prefix, watch.seen, after=after, index=(color and ("color", color)) or None)
        except Compacted:
            assert after is not None
            assert after < self.oldest
            return
        except FutureRevision:
            assert back is not None
            assert back < 0
            return
        for change in self.changes:
            if after is not None and change.revision > after:
                watch.expect(change)
        self.watches.append(watch)

    @rule(back=st.integers(-1, 6))
    def compact(self, back: int) -> None:
        revision = self.store.revision - back
        try:
            self.run(self.store.compact(revision))
        except FutureRevision:
            assert back < 0
            return
        self.oldest = max(self.oldest, revision)

    @rule()
    def reopen(self) -> None:
        if not self.keeps:
            return
        self.run(self.store.close())
        before = self.store.revision
        self.store = self.run(self.open())
        self.store.add_index("color", PODS, color_of)
        self.watches.clear()
        assert self.store.revision == before
        assert self.store.oldest_revision >= self.oldest
        self.oldest = self.store.oldest_revision

    @invariant()
    def watches_were_told_everything_once(self) -> None:
        for watch in self.watches:
            assert [(event.type, event.revision) for event in watch.seen.events] == watch.expected

    @invariant()
    def newest_records_are_right(self) -> None:
        assert self.store.oldest_revision == self.oldest
        for prefix in PREFIXES:
            assert self.store.count(prefix) == sum(key.startswith(prefix) for key in self.now)
        for color in VALUES[:2]:
            found = [record.key for record in self.store.by_index("color", color)]
            assert found == sorted(k for k, v in self.now.items() if v[1] == color and k.startswith(PODS))


class MemoryMachine(StoreMachine):
    keeps = False

    async def open(self) -> Store:
        return MemoryStore()


class SqliteMachine(StoreMachine):
    async def open(self) -> Store:
        return await SqliteStore.open(Path(self.folder.name) / "store.db", synchronous="normal")


TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSqlite = SqliteMachine.TestCase
TestSqlite.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)


def test_etcd(etcd: EtcdServer) -> None:
    class EtcdMachine(StoreMachine):
        def __init__(self) -> None:
            self.root = etcd.unused_root()
            super().__init__()

        async def open(self) -> Store:
            return await etcd.open(self.root)

    # One server keeps its revisions through all examples, so none can be replayed to make it smaller.
    once = settings(max_examples=8, stateful_step_count=30, deadline=None, phases=[Phase.generate], database=None)
    run_state_machine_as_test(EtcdMachine, settings=once)
