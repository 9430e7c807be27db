"""Store URLs."""

from __future__ import annotations

import pytest

from cloudk8s.errors import SettingsError
from cloudk8s.storage.interface import Store
from cloudk8s.storage.memory import MemoryStore
from cloudk8s.storage.opening import StoreRegistry, open_store


async def test_memory_opens_an_empty_store() -> None:
    store = await open_store("memory://")
    assert store.count("") == 0
    await store.close()


async def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(SettingsError, match="did you mean memory://"):
        await open_store("memry://")


async def test_an_unknown_scheme_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="memory://"):
        await open_store("/var/lib/store.db")


async def test_a_plugin_adds_its_scheme_once() -> None:
    async def opener(url: str) -> Store:
        assert url == "other://somewhere"
        return MemoryStore()

    registry = StoreRegistry()
    registry.register("other", opener)
    assert isinstance(await open_store("other://somewhere", registry=registry), MemoryStore)
    with pytest.raises(SettingsError, match="registered twice"):
        registry.register("other", opener)
