"""A real file system that runs out of space under a store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudk8s.errors import StorageError
from cloudk8s.storage.interface import Record
from cloudk8s.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.small_disk import fill, mounted
from tests.storage.writing import PODS, create, delete, names

pytestmark = pytest.mark.root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of eight megabytes."""
    with mounted(tmp_path / "small", "8m") as folder:
        yield folder


async def test_writes_fail_clearly_and_go_on_once_there_is_space(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    await asyncio.to_thread(ballast.write_bytes, b"x" * (4 << 20))
    store = await SqliteStore.open(small_disk / "store.db")
    results = await asyncio.gather(
        *[create(store, f"a/{n:04}", "x" * 20_000) for n in range(400)], return_exceptions=True
    )
    kept = [result.key.removeprefix(PODS) for result in results if isinstance(result, Record)]
    failed = [result for result in results if isinstance(result, StorageError)]
    assert kept
    assert len(kept) + len(failed) == 400
    assert all("disk" in str(error) for error in failed)
    assert names(store.range(PODS).records) == kept
    await asyncio.to_thread(ballast.unlink)
    await create(store, "a/later", "x" * 20_000)
    await delete(store, kept[0])
    await store.close()
    again = await SqliteStore.open(small_disk / "store.db")
    assert names(again.range(PODS).records) == [*kept[1:], "a/later"]
    await again.close()


async def test_a_store_on_a_full_disk_says_so_and_opens_once_there_is_space(small_disk: Path) -> None:
    store = await SqliteStore.open(small_disk / "store.db")
    await create(store, "a/one")
    await store.close()
    await asyncio.to_thread(fill, small_disk / "ballast")
    with pytest.raises(StorageError, match="disk"):
        await SqliteStore.open(small_disk / "store.db")
    await asyncio.to_thread((small_disk / "ballast").unlink)
    again = await SqliteStore.open(small_disk / "store.db")
    assert names(again.range(PODS).records) == ["a/one"]
    await again.close()
