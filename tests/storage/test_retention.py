"""History is forgotten by age, by number and by size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.storage.memory import MemoryStore
from cloudk8s.storage.opening import open_store
from cloudk8s.storage.retention import Retention
from tests.storage.writing import create, update

Keep = Callable[[Retention], MemoryStore]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def keep(clock: FakeClock) -> AsyncIterator[Keep]:
    store = MemoryStore()

    def start(retention: Retention) -> MemoryStore:
        store.start_compacting(retention, clock)
        return store

    yield start
    await store.close()
    assert clock.sleepers == 0


async def test_history_is_kept_for_five_minutes_and_little_longer(keep: Keep, clock: FakeClock) -> None:
    store = keep(Retention())
    await clock.advance(5)
    await create(store, "a/one")
    then = store.revision
    await update(store, "a/one")
    await clock.advance(299)
    assert store.oldest_revision < then
    await clock.advance(20)
    assert store.oldest_revision > then


async def test_an_idle_store_is_left_alone(keep: Keep, clock: FakeClock) -> None:
    store = keep(Retention())
    await create(store, "a/one")
    await clock.advance(400)
    compacted = store.oldest_revision
    assert compacted == store.revision
    await clock.advance(400)
    assert store.oldest_revision == compacted


async def test_history_is_bounded_in_number(keep: Keep, clock: FakeClock) -> None:
    store = keep(Retention(age=timedelta(days=1), revisions=100))
    for _ in range(20):
        for _ in range(50):
            await update(store, "a/one")
        await clock.advance(10)
    assert 100 <= store.revision - store.oldest_revision <= 200


async def test_history_is_bounded_in_size(keep: Keep, clock: FakeClock) -> None:
    store = keep(Retention(age=timedelta(days=1), size=100_000))
    for _ in range(20):
        for _ in range(10):
            await update(store, "a/one", "x" * 5000)
        await clock.advance(10)
    assert 20 <= store.revision - store.oldest_revision <= 40


async def test_much_history_is_forgotten_in_steps(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    store, compacted = MemoryStore(), []
    compact = store.compact

    async def note(revision: int) -> None:
        compacted.append(revision)
        await compact(revision)

    monkeypatch.setattr(store, "compact", note)
    store.start_compacting(Retention(age=timedelta(seconds=20)), clock)
    await clock.advance(0)
    for _ in range(5000):
        await update(store, "a/one")
    await clock.advance(40)
    assert compacted == [2001, 4001, 5001]
    await store.close()


async def test_an_opened_store_compacts_itself(clock: FakeClock) -> None:
    store = await open_store("memory://", clock=clock, retention=Retention(age=timedelta(seconds=30)))
    await clock.advance(0)
    await create(store, "a/one")
    await clock.advance(60)
    assert store.oldest_revision == store.revision
    await store.close()
