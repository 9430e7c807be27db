"""Logs that grow are cut, and not all of them are kept."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.pods import log_rotation
from cloudk8s.node.pods.log_rotation import LogRotation
from cloudk8s.node.runtimes.interface import Container, Runtime
from cloudk8s.node.settings import NodeSettings


@dataclass
class Reopening:
    """A runtime that opens a log again when it is asked."""

    reopened: list[str] = field(default_factory=list)

    async def reopen_log(self, container_id: str) -> None:
        self.reopened.append(container_id)


def container(path: Path) -> Container:
    return Container("c-1", "s", "c", 0, "running", "i", "i", datetime.now(UTC), log_path=str(path))


async def test_a_log_is_rotated_when_it_has_its_size(tmp_path: Path) -> None:
    path, runtime, clock = tmp_path / "0.log", Reopening(), FakeClock()
    settings = NodeSettings(node_name="n", root_dir=tmp_path, container_log_max_bytes=10, container_log_max_files=3)
    rotation = LogRotation(settings, cast(Runtime, runtime), clock=clock, running=lambda: [container(path)])
    path.write_text("short")
    assert not await rotation.rotate_if_large(container(path))
    for number in range(4):
        path.write_text(f"{number} is long enough")
        assert await rotation.rotate_if_large(container(path))
        await clock.advance(1)
    assert runtime.reopened == ["c-1"] * 4
    old = sorted(each.name for each in tmp_path.glob("0.log.*"))
    assert len(old) == 2, "with the present one, three"
    assert [name.endswith(".gz") for name in old] == [True, False], "the newest may still be written to"
    assert gzip.decompress((tmp_path / old[0]).read_bytes()) == b"2 is long enough"


def test_old_files_go_with_the_log(tmp_path: Path) -> None:
    path, now = tmp_path / "0.log", datetime(2026, 1, 1, tzinfo=UTC)
    path.write_text("x")
    log_rotation.rotate(path, now)
    path.write_text("y")
    log_rotation.rotate(path, now + timedelta(seconds=1))
    log_rotation.remove(path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("most", [1, 2])
def test_one_old_file_is_kept_at_least(tmp_path: Path, most: int) -> None:
    for number in range(3):
        (tmp_path / f"0.log.2026010{number}-000000").write_text(str(number))
    log_rotation.tidy(tmp_path / "0.log", most)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["2"]
