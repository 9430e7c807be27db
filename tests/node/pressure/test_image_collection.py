"""Images that nothing uses do not stay for ever."""

from __future__ import annotations

import asyncio
import shutil
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.pressure.images import MIN_AGE, ImageCollector
from cloudk8s.node.runtimes.interface import Container, FilesystemUsage, Image, Runtime, RuntimeFailure
from cloudk8s.node.settings import NodeSettings

Disk = namedtuple("Disk", "total used free")
NAMES = ("busy", "a", "b")


@dataclass
class Store:
    """A runtime's images, each of 10 bytes; the container uses `busy`."""

    place: Path
    images: dict[str, Image] = field(
        default_factory=lambda: {name: Image(name, size=10) for name in ("busy", "a", "b")}
    )

    async def list_images(self) -> Sequence[Image]:
        return list(self.images.values())

    async def list_containers(self) -> Sequence[Container]:
        return [Container("c", "s", "c", 0, "running", "busy", "busy", datetime.now(UTC))]

    async def remove_image(self, reference: str) -> None:
        del self.images[reference]

    async def image_filesystem(self) -> FilesystemUsage:
        return FilesystemUsage(str(self.place), 30)


@dataclass
class Ground:
    collector: ImageCollector
    store: Store
    clock: FakeClock
    told: list[tuple[str, str]]
    held: set[str]


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    return make(tmp_path, monkeypatch, used=10)


def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, used: int, **settings: Any) -> Ground:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(100, used, 100 - used))
    store, clock, told, held = Store(tmp_path), FakeClock(), list[tuple[str, str]](), set[str]()
    chosen = NodeSettings(node_name="n", root_dir=tmp_path, **settings)
    collector = ImageCollector(
        chosen, cast(Runtime, store), clock=clock, held=lambda: held,
        announce=lambda reason, note: told.append((reason, note)),
    )  # fmt: skip
    return Ground(collector, store, clock, told, held)


async def test_all_stay_while_there_is_room(ground: Ground) -> None:
    await ground.collector.look()
    await ground.clock.advance(MIN_AGE * 10)
    assert await ground.collector.look() == []


async def test_a_full_disk_is_cleared_down_to_its_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = make(tmp_path, monkeypatch, used=90)
    assert await ground.collector.look() == [], "they were only just seen"
    assert ground.told[0][0] == "FreeDiskSpaceFailed"
    assert "Attempted to free 10 bytes, but only found 0 bytes eligible to free." in ground.told[0][1]
    await ground.clock.advance(MIN_AGE)
    assert len(await ground.collector.look()) == 1
    assert len(ground.told) == 1


async def test_what_is_too_old_goes_though_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ground = make(tmp_path, monkeypatch, used=10, image_maximum_age_seconds=3600)
    await ground.collector.look()
    await ground.clock.advance(3601)
    assert set(await ground.collector.look()) == {"a", "b"}
    assert list(ground.store.images) == ["busy"]


async def test_under_pressure_nothing_stays_that_nothing_uses(ground: Ground) -> None:
    await ground.collector.look()
    await ground.clock.advance(MIN_AGE)
    assert set(await ground.collector.remove_unused()) == {"a", "b"}


async def test_what_a_pod_has_as_a_volume_stays(ground: Ground) -> None:
    await ground.collector.look()
    await ground.clock.advance(MIN_AGE)
    ground.held.add("a")
    assert await ground.collector.remove_unused() == ["b"]


async def test_what_can_not_be_looked_through_is_told(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> Sequence[Image]:
        raise RuntimeFailure("the store is broken")

    monkeypatch.setattr(ground.store, "list_images", fail)
    running = asyncio.create_task(ground.collector.run())
    await ground.clock.advance(0)
    running.cancel()
    assert ground.told == [("ImageGCFailed", "the store is broken")]
