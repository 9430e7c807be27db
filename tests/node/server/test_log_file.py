"""Following a log while it is written, and while it is rotated."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.server import log_file
from cloudk8s.node.server.log_lines import LogOptions


def line(text: str) -> bytes:
    return f"2026-01-01T00:00:00Z stdout F {text}\n".encode()


class Reader:
    """Reads a log to its end; what happens between two reads is told beforehand."""

    def __init__(self, path: Path) -> None:
        self.path, self.said = path, b""

    async def follow(self, *, follow: bool = True) -> list[str]:
        steps = iter((True, True, True, False))
        await log_file.send_log(
            self.path, LogOptions(follow=follow), self._write, is_running=lambda: next(steps, False), clock=FakeClock()
        )
        return self.said.decode().split()

    async def _write(self, data: bytes) -> None:
        self.said += data


async def test_nothing_is_lost_when_a_log_is_rotated_between_two_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(line("one"))
    looks, look = 0, log_file._reopened

    def rotate_first(path: Path, file: object) -> object:
        nonlocal looks
        looks += 1
        if looks == 1:
            with path.open("ab") as log:
                log.write(line("two"))
            path.rename(tmp_path / "0.log.old")
            path.write_bytes(line("three"))
        return look(path, file)  # type: ignore[arg-type]

    monkeypatch.setattr(log_file, "_reopened", rotate_first)

    assert await Reader(path).follow() == ["one", "two", "three"]


async def test_a_log_without_a_follower_is_what_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(line("one") + line("two"))
    assert await Reader(path).follow(follow=False) == ["one", "two"]


@pytest.mark.parametrize(("tail", "first"), [(0, None), (1, 999), (999, 1), (5000, 0)])
def test_the_end_of_a_long_log_is_found_from_behind(tmp_path: Path, tail: int, first: int | None) -> None:
    path = tmp_path / "0.log"
    path.write_bytes(b"".join(line(f"{number:0200}") for number in range(1000)))
    with path.open("rb") as file:
        file.seek(log_file.tail_offset(file, tail))
        left = file.read().splitlines()
    assert len(left) == min(tail, 1000)
    assert first is None or int(left[0].split()[-1]) == first
