"""What one machine has stored goes to the next, and to nobody else."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from cloudk8s.apiserver.pki import ensure
from cloudk8s.controlplane.machine import handover
from cloudk8s.controlplane.machine.handover import Handover, take_over
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.storage.interface import Draft, Write
from cloudk8s.storage.sqlite.store import SqliteStore

CLOCK = SystemClock()
SEED = Seed(bytes(range(32)))


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(handover, "PORT", port)
    directory = tmp_path / "old"
    SEED.write(directory / "pki")
    ensure(directory)
    (directory / "cloud").mkdir()
    (directory / "cloud" / "local.json").write_text("{}")
    return directory


async def stored(directory: Path) -> None:
    store = await SqliteStore.open(directory / "store.db")
    await store.write(Write("/registry/x", Draft(b"", b""), 0))
    await store.close()


async def test_the_successor_gets_everything_once_the_store_is_closed(old: Path, tmp_path: Path) -> None:
    await stored(old)
    new, side = tmp_path / "new", Handover(old)
    new.mkdir()
    async with side.listening():
        taking = asyncio.create_task(take_over("127.0.0.1", SEED, "demo", new, clock=CLOCK))
        async with asyncio.timeout(5):
            await side.asked.wait()
            assert not (new / "store.db").exists()
            side.closed.set()
            await taking
    assert (new / "cloud" / "local.json").read_text() == "{}"
    store = await SqliteStore.open(new / "store.db")
    assert store.get("/registry/x") is not None
    await store.close()


async def test_who_has_another_seed_gets_nothing(old: Path, tmp_path: Path) -> None:
    side = Handover(old)
    async with side.listening():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await take_over("127.0.0.1", Seed.new(), "demo", tmp_path, clock=CLOCK)
    assert not side.asked.is_set()
