"""Backends that the contract suite runs against."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from cloudk8s.storage.interface import Store
from cloudk8s.storage.memory import MemoryStore
from cloudk8s.storage.sqlite.store import SqliteStore
from tests.storage.etcd_server import EtcdServer

OpenBackend = Callable[[], Awaitable[Store]]


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """A running etcd; skips where none is installed."""
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "etcd"])
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBackend:
    """Opens a store of one backend; a backend that keeps things opens the same ones again."""
    if request.param == "memory":
        return _open_memory
    if request.param == "sqlite":
        return lambda: SqliteStore.open(tmp_path / "store.db")
    server: EtcdServer = request.getfixturevalue("etcd")
    root = server.unused_root()
    return lambda: server.open(root)


@pytest.fixture
async def store(open_backend: OpenBackend) -> AsyncIterator[Store]:
    """An empty store of each backend in turn."""
    store = await open_backend()
    yield store
    await store.close()


async def _open_memory() -> Store:
    return MemoryStore()
