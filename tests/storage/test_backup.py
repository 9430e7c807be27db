"""Copies of a store in use, and going back to one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from cloudk8s.errors import StorageError, UserError
from cloudk8s.storage.backup import REVISIONS_SKIPPED, back_up, describe, restore
from cloudk8s.storage.interface import Compacted
from cloudk8s.storage.sqlite.store import SqliteStore
from tests.storage.writing import PODS, Seen, create, delete, names, text_of, update


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


async def test_a_copy_is_of_one_moment_while_writes_go_on(path: Path, copy: Path) -> None:
    store = await SqliteStore.open(path)
    await create(store, "a/pair-1", "0")
    await create(store, "a/pair-2", "0")
    is_done = False

    async def keep_writing() -> None:
        n = 0
        while not is_done:
            n += 1
            await update(store, "a/pair-1", str(n))
            await update(store, "a/pair-2", str(n))

    writing = asyncio.create_task(keep_writing())
    backup = await asyncio.to_thread(back_up, path, copy)
    is_done = True
    await writing
    await store.close()
    copied = await SqliteStore.open(copy)
    first, second = (int(text_of(record)) for record in copied.range(PODS).records)
    assert first - second in (0, 1)
    assert backup.records == 2
    assert backup.size == copy.stat().st_size
    await copied.close()


async def test_a_restored_store_holds_what_was_backed_up(path: Path, copy: Path) -> None:
    store = await SqliteStore.open(path)
    await create(store, "a/kept", "1")
    await update(store, "a/kept", "2")
    await create(store, "a/removed")
    await delete(store, "a/removed")
    assert back_up(path, copy).records == 1
    await create(store, "a/later")
    then = store.revision
    await store.close()
    restored = restore(copy, path, replace=True)
    assert restored.revision == then + REVISIONS_SKIPPED
    again = await SqliteStore.open(path)
    assert [(record.key, text_of(record)) for record in again.range("").records] == [(PODS + "a/kept", "2")]
    assert again.revision == restored.revision
    with pytest.raises(Compacted):
        again.watch(PODS, Seen(), after=then)
    await create(again, "a/new")
    await again.close()


async def test_the_replaced_store_is_kept_beside_it(path: Path, copy: Path) -> None:
    store = await SqliteStore.open(path)
    back_up(path, copy)
    await create(store, "a/later")
    await store.close()
    with pytest.raises(UserError, match="exists"):
        restore(copy, path)
    restore(copy, path, replace=True)
    kept = await SqliteStore.open(Path(f"{path}.replaced"))
    assert names(kept.range(PODS).records) == ["a/later"]
    await kept.close()


async def test_a_restored_store_still_shrinks(path: Path, copy: Path, tmp_path: Path) -> None:
    await (await SqliteStore.open(path)).close()
    back_up(path, copy)
    restore(copy, tmp_path / "restored.db")
    with apsw.Connection(str(tmp_path / "restored.db")) as connection:
        assert connection.execute("PRAGMA auto_vacuum").get == 2


async def test_a_store_in_use_is_not_replaced(path: Path, copy: Path) -> None:
    store = await SqliteStore.open(path)
    back_up(path, copy)
    await create(store, "a/later")
    with pytest.raises(StorageError, match="in use"):
        restore(copy, path, replace=True)
    assert store.count(PODS) == 1
    await store.close()


async def test_a_damaged_backup_is_not_restored(path: Path, copy: Path, tmp_path: Path) -> None:
    store = await SqliteStore.open(path)
    await asyncio.gather(*[create(store, f"a/{n}", "x" * 3000) for n in range(100)])
    await store.close()
    back_up(path, copy)
    damaged = bytearray(copy.read_bytes())
    damaged[5 * 4096 : 6 * 4096] = b"\xff" * 4096
    copy.write_bytes(damaged)
    with pytest.raises(StorageError, match="damaged"):
        restore(copy, tmp_path / "restored.db")
    assert not (tmp_path / "restored.db").exists()


async def test_a_damaged_store_is_replaced_by_its_backup(path: Path, copy: Path) -> None:
    store = await SqliteStore.open(path)
    await create(store, "a/one")
    await store.close()
    back_up(path, copy)
    path.write_bytes(b"damaged beyond recognition" * 1000)
    restore(copy, path, replace=True)
    again = await SqliteStore.open(path)
    assert names(again.range(PODS).records) == ["a/one"]
    await again.close()


def test_mistakes_are_named(path: Path, copy: Path) -> None:
    with pytest.raises(UserError, match="no store"):
        back_up(path, copy)
    with pytest.raises(UserError, match="no backup"):
        restore(copy, path)
    path.write_bytes(b"anything")
    copy.write_bytes(b"anything")
    with pytest.raises(UserError, match="exists"):
        back_up(path, copy)
    with pytest.raises(StorageError, match="not a store"):
        describe(copy)
