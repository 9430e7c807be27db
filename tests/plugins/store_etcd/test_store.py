"""Several servers on one etcd, and an etcd that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from cloudk8s.errors import SettingsError, StorageError
from cloudk8s.storage.interface import Record, RevisionConflict, Store, Write
from cloudk8s_store_etcd import store as store_module
from cloudk8s_store_etcd.address import Address
from cloudk8s_store_etcd.client import Client
from cloudk8s_store_etcd.store import EtcdStore
from tests.storage.etcd_server import EtcdServer
from tests.storage.writing import PODS, Seen, create, delete, draft, names, text_of, update


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EtcdServer]:
    """An etcd of the test's own."""
    server = EtcdServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def pair(server: EtcdServer) -> AsyncIterator[tuple[Store, Store]]:
    """Two servers on the same data."""
    one, two = await server.open(""), await server.open("")
    yield one, two
    await one.close()
    await two.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


class TestSeveralServers:
    async def test_each_sees_what_the_other_writes(self, pair: tuple[Store, Store]) -> None:
        one, two = pair
        seen = Seen()
        two.watch(PODS, seen)
        await create(one, "a/web", "1")
        await update(two, "a/web", "2")
        await delete(one, "a/web")
        await two.current_revision()
        assert seen.told == [("ADDED", "a/web"), ("MODIFIED", "a/web"), ("DELETED", "a/web")]
        assert one.revision == two.revision

    async def test_a_current_read_sees_every_acknowledged_write(self, pair: tuple[Store, Store]) -> None:
        one, two = pair
        for n in range(20):
            record = await create(one, f"a/{n}")
            assert await two.current_revision() >= record.revision
            found = two.get(record.key)
            assert found is not None
            assert found.value == record.value

    async def test_of_writers_on_both_one_wins_each_round(self, pair: tuple[Store, Store]) -> None:
        one, two = pair
        revision = (await create(one, "a/web", "0")).revision
        for n in range(20):
            racing = [store.write(Write(PODS + "a/web", draft(str(n)), revision)) for store in (one, two, one, two)]
            results = await asyncio.gather(*racing, return_exceptions=True)
            won = [result for result in results if isinstance(result, Record)]
            assert len(won) == 1
            lost = [result for result in results if isinstance(result, RevisionConflict)]
            assert {conflict.current.revision for conflict in lost if conflict.current} == {won[0].revision}
            revision = won[0].revision

    async def test_a_watch_moves_to_a_server_that_has_just_started(self, pair: tuple[Store, Store]) -> None:
        one, _ = pair
        await asyncio.gather(*[create(one, f"a/{n}") for n in range(200)])
        then = one.revision
        await delete(one, "a/0")
        three = await EtcdStore.open(one._address)  # type: ignore[attr-defined]
        seen = Seen()
        three.watch(PODS, seen, after=then)
        assert seen.told == [("DELETED", "a/0")]
        await three.close()

    async def test_both_may_compact(self, pair: tuple[Store, Store]) -> None:
        one, two = pair
        await asyncio.gather(*[update(one, "a/web", str(n)) for n in range(20)])
        await two.current_revision()
        await asyncio.gather(one.compact(one.revision), two.compact(two.revision))
        assert one.oldest_revision == two.oldest_revision == one.revision
        await update(one, "a/web", "last")

    async def test_writes_of_others_outside_our_root_do_not_hold_us_up(self, server: EtcdServer) -> None:
        ours, theirs = await server.open("/ours"), await server.open("/theirs")
        await create(theirs, "a/web")
        assert await ours.current_revision() >= theirs.revision
        await create(ours, "a/web")
        assert [store.count("") for store in (ours, theirs)] == [1, 1]
        await ours.close()
        await theirs.close()

    async def test_many_records_are_read_in_pages(self, pair: tuple[Store, Store], server: EtcdServer) -> None:
        one, _ = pair
        await asyncio.gather(*[create(one, f"a/{n}") for n in range(2100)])
        three = await server.open("")
        assert names(three.range(PODS).records) == names(one.range(PODS).records)
        await three.close()


class TestInterruptions:
    async def test_watches_go_on_after_etcd_was_restarted(self, server: EtcdServer) -> None:
        store, seen = await server.open(""), Seen()
        store.watch(PODS, seen)
        await create(store, "a/before")
        await asyncio.to_thread(server.stop, kill=True)
        with pytest.raises(StorageError, match="etcd at "):
            await create(store, "a/during")
        assert names(store.range(PODS).records) == ["a/before"]
        await asyncio.to_thread(server.start)
        await written(store, "a/after")
        assert ("ADDED", "a/after") in seen.told
        await store.close()

    async def test_changes_that_were_compacted_unseen_are_told_as_differences(
        self, server: EtcdServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_module, "RETRY_SECONDS", (0.01,))
        one, seen = await server.open(""), Seen()
        for name in ("kept", "changed", "removed"):
            await create(one, f"a/{name}", "old")
        one.watch(PODS, seen)
        follow, may_follow = one._follow, asyncio.Event()  # type: ignore[attr-defined]

        async def wait_then_follow() -> None:
            await may_follow.wait()
            await follow()

        monkeypatch.setattr(one, "_follow", wait_then_follow)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        two = await server.open("")
        await update(two, "a/changed", "new")
        await delete(two, "a/removed")
        await create(two, "a/added", "new")
        await two.compact(two.revision)
        may_follow.set()
        await until(lambda: one.revision == two.revision)
        assert sorted(seen.told) == [("ADDED", "a/added"), ("DELETED", "a/removed"), ("MODIFIED", "a/changed")]
        assert [event.revision for event in seen.events] == sorted(event.revision for event in seen.events)
        assert [text_of(record) for record in one.range(PODS).records] == ["new", "new", "old"]
        assert one.oldest_revision == one.revision
        await one.close()
        await two.close()

    async def test_the_next_endpoint_is_tried(self, server: EtcdServer) -> None:
        store = await EtcdStore.open(Address(("127.0.0.1:1", server.endpoint)))
        await written(store, "a/web")
        await store.close()

    async def test_an_etcd_out_of_reach_is_an_error(self) -> None:
        with pytest.raises(StorageError, match="etcd at "):
            await EtcdStore.open(Address(("127.0.0.1:1",)))

    async def test_a_missing_certificate_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="certificate or key cannot be read"):
            Client(Address(("127.0.0.1:1",), ca=tmp_path / "missing.pem"))


async def written(store: Store, name: str) -> None:
    """Write until it goes through: a call that failed may or may not have happened."""
    async with asyncio.timeout(20):
        while True:
            try:
                await update(store, name)
                return
            except StorageError:
                await asyncio.sleep(0.05)
