"""What the SQLite store keeps, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import apsw
import pytest

from cloudk8s.errors import SettingsError, StorageError
from cloudk8s.storage.interface import Compacted, Write
from cloudk8s.storage.opening import open_store
from cloudk8s.storage.sqlite.loading import SKIPPED_AFTER_CRASH
from cloudk8s.storage.sqlite.store import SqliteStore
from tests.storage.writing import PODS, Seen, create, delete, draft, names, text_of, update


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


class TestReopening:
    async def test_records_and_revisions_are_kept(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await create(store, "a/one", "1")
        await create(store, "a/two", "2")
        last = await delete(store, "a/one")
        await store.close()
        again = await SqliteStore.open(path)
        assert [text_of(record) for record in again.range(PODS).records] == ["2"]
        assert again.revision == last.revision
        assert (await create(again, "a/three")).revision == last.revision + 1
        await again.close()

    async def test_a_watch_resumes_where_it_was(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await create(store, "a/one", "1")
        then = store.revision
        await update(store, "a/one", "2")
        await delete(store, "a/one")
        told = Seen()
        store.watch(PODS, told, after=then)
        await store.close()
        again = await SqliteStore.open(path)
        retold = Seen()
        again.watch(PODS, retold, after=then)
        assert retold.told == [("MODIFIED", "a/one"), ("DELETED", "a/one")]
        assert [e.record.value for e in retold.events] == [e.record.value for e in told.events]
        assert names(again.range(PODS, revision=then).records) == ["a/one"]
        await again.close()

    async def test_what_was_compacted_stays_compacted(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        first = await create(store, "a/one", "1")
        await update(store, "a/one", "2")
        await create(store, "a/two", "1")
        last = await delete(store, "a/two")
        await store.compact(last.revision)
        await store.close()
        again = await SqliteStore.open(path)
        assert (again.oldest_revision, again.revision) == (last.revision, last.revision)
        assert names(again.range(PODS).records) == ["a/one"]
        with pytest.raises(Compacted):
            again.watch(PODS, Seen(), after=first.revision)
        await again.close()

    async def test_no_revision_is_used_twice_after_a_crash(self, path: Path, tmp_path: Path) -> None:
        store = await SqliteStore.open(path)
        last = await create(store, "a/one")
        crashed = tmp_path / "crashed.db"
        for suffix in ("", "-wal"):
            Path(f"{crashed}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
        await store.close()
        again = await SqliteStore.open(crashed)
        assert names(again.range(PODS).records) == ["a/one"]
        assert again.revision == last.revision + SKIPPED_AFTER_CRASH
        seen = Seen()
        again.watch(PODS, seen, after=last.revision)
        await create(again, "a/two")
        assert seen.told == [("ADDED", "a/two")]
        await again.close()

    async def test_twenty_thousand_records_load_fast(self, path: Path) -> None:
        store = await SqliteStore.open(path, synchronous="normal")
        await asyncio.gather(*[create(store, f"a/{n}", "x" * 5000) for n in range(20_000)])
        await store.close()
        loop = asyncio.get_running_loop()
        before = loop.time()
        again = await SqliteStore.open(path)
        assert loop.time() - before < 5, "an order of magnitude above what it takes"
        assert again.count(PODS) == 20_000
        await again.close()


class TestCompaction:
    async def test_the_file_shrinks(self, path: Path) -> None:
        store = await SqliteStore.open(path, synchronous="normal")
        await asyncio.gather(*[create(store, f"a/{n}", "x" * 5000) for n in range(4000)])
        await asyncio.gather(*[delete(store, f"a/{n}") for n in range(4000)])
        await create(store, "a/last")
        await store.close()
        full = path.stat().st_size
        store = await SqliteStore.open(path)
        await store.compact(store.revision)
        await store.close()
        assert full > 20_000_000
        assert path.stat().st_size < full / 2
        again = await SqliteStore.open(path)
        assert names(again.range("").records) == ["a/last"]
        await again.close()

    async def test_writes_go_on_while_rows_are_deleted(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await asyncio.gather(*[update(store, "a/one", str(n)) for n in range(2000)])
        compaction = asyncio.create_task(store.compact(store.revision))
        await create(store, "a/two")
        assert not compaction.done()
        await compaction
        await store.close()

    async def test_an_interrupted_compaction_is_finished_at_the_next_start(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await asyncio.gather(*[update(store, "a/one", str(n)) for n in range(600)])
        await create(store, "a/two")
        await delete(store, "a/two")
        compaction = asyncio.create_task(store.compact(store.revision))
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(compaction, return_exceptions=True)
        again = await SqliteStore.open(path)
        assert text_of(again.range(PODS).records[0]) == "599"
        await again.compact(again.revision)
        await again.close()
        with apsw.Connection(str(path)) as connection:
            assert connection.execute("SELECT key FROM rev").fetchall() == [(PODS + "a/one",)]


class TestRefusals:
    async def test_a_second_server_on_the_same_file(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await create(store, "a/one")
        with pytest.raises(StorageError, match=f"in use by another server \\(process {os.getpid()}\\)"):
            await SqliteStore.open(path)
        await create(store, "a/two")
        await store.close()
        again = await SqliteStore.open(path)
        assert again.count(PODS) == 2
        await again.close()

    async def test_a_file_that_is_no_database(self, path: Path) -> None:
        path.write_bytes(b"not a database, " * 1000)
        with pytest.raises(StorageError, match="restore a backup"):
            await SqliteStore.open(path)

    async def test_a_damaged_file(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await asyncio.gather(*[create(store, f"a/{n}", "x" * 3000) for n in range(300)])
        await store.close()
        damaged = bytearray(path.read_bytes())
        for page in range(10, len(damaged) // 4096, 7):
            damaged[page * 4096 : page * 4096 + 64] = os.urandom(64)
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match="damaged"):
            await SqliteStore.open(path)

    async def test_somebody_elses_database(self, path: Path) -> None:
        with apsw.Connection(str(path)) as connection:
            connection.execute("CREATE TABLE theirs(a)")
        with pytest.raises(StorageError, match="not a store of this project"):
            await SqliteStore.open(path)
        with apsw.Connection(str(path)) as connection:
            assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]

    async def test_a_file_of_a_newer_version(self, path: Path) -> None:
        await (await SqliteStore.open(path)).close()
        with apsw.Connection(str(path)) as connection:
            connection.execute("PRAGMA user_version=99")
        with pytest.raises(StorageError, match="upgrade"):
            await SqliteStore.open(path)

    async def test_a_directory_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="directory does not exist"):
            await SqliteStore.open(tmp_path / "missing" / "store.db")

    async def test_a_refused_file_is_not_left_locked(self, path: Path) -> None:
        path.write_bytes(b"not a database, " * 1000)
        with pytest.raises(StorageError):
            await SqliteStore.open(path)
        path.unlink()
        await (await SqliteStore.open(path)).close()


class TestFullDisk:
    async def test_a_write_that_does_not_fit_fails_and_nothing_else_is_lost(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await create(store, "a/kept", "x")
        writer = store._writer
        writer._connection.pragma("max_page_count", writer._connection.pragma("page_count") + 20)
        results = await asyncio.gather(
            *[create(store, f"a/{n}", "x" * 100_000) for n in range(10)], return_exceptions=True
        )
        assert all(isinstance(result, StorageError) and "disk is full" in str(result) for result in results)
        assert names(store.range(PODS).records) == ["a/kept"]
        assert text_of(await create(store, "a/small", "y")) == "y"
        writer._connection.pragma("max_page_count", 1 << 30)
        await create(store, "a/1", "x" * 100_000)
        await store.close()
        again = await SqliteStore.open(path)
        assert names(again.range(PODS).records) == ["a/1", "a/kept", "a/small"]
        await again.close()

    async def test_a_failed_write_leaves_its_key_usable(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        seen = Seen()
        store.watch(PODS, seen)
        first = await create(store, "a/one", "x")
        connection = store._writer._connection
        connection.pragma("max_page_count", connection.pragma("page_count") + 5)
        with pytest.raises(StorageError):
            await store.write(Write(PODS + "a/one", draft("y" * 100_000), first.revision))
        second = await store.write(Write(PODS + "a/one", draft("z"), first.revision))
        assert [event.record for event in seen.events] == [first, second]
        await store.close()


class TestUrls:
    async def test_a_url_names_the_file(self, path: Path) -> None:
        store = await open_store(f"sqlite://{path}")
        await create(store, "a/one")
        await store.close()
        again = await open_store(f"sqlite://{path}?sync=normal")
        assert again.count(PODS) == 1
        await again.close()

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///x.db?sync=never", "sqlite:///x.db?mode=ro"])
    async def test_a_wrong_url_says_the_right_form(self, url: str) -> None:
        with pytest.raises(SettingsError, match="sqlite:///PATH"):
            await open_store(url)

    async def test_the_file_is_its_owners_only(self, path: Path) -> None:
        store = await SqliteStore.open(path)
        await create(store, "a/secret")
        for name in (path, f"{path}-wal", f"{path}-lock"):
            assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        await store.close()
