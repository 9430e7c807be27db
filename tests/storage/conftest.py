"""Backends that the contract suite runs against."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cloudk8s.storage.interface import Store
from cloudk8s.storage.memory import MemoryStore
from cloudk8s.storage.sqlite.store import SqliteStore

OpenBackend = Callable[[], Awaitable[Store]]


async def _open_memory() -> Store:
    return MemoryStore()


@pytest.fixture(params=["memory", "sqlite"])
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBackend:
    """Opens a store of one backend; a backend that keeps things opens the same ones again."""

    async def open_sqlite() -> Store:
        return await SqliteStore.open(tmp_path / "store.db")

    return {"memory": _open_memory, "sqlite": open_sqlite}[request.param]


@pytest.fixture
async def store(open_backend: OpenBackend) -> AsyncIterator[Store]:
    """An empty store of each backend in turn."""
    store = await open_backend()
    yield store
    await store.close()
