"""Files that several processes share."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from cloudk8s.kernel.files import locked, write_whole


def test_one_works_on_it_at_a_time(tmp_path: Path) -> None:
    path, order, waits = tmp_path / "lock", list[str](), threading.Event()

    def second() -> None:
        waits.set()
        with locked(path):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(path):
        thread.start()
        waits.wait(10)
        thread.join(0.05)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_it_is_free_again_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="oh"), locked(tmp_path / "lock"):
        raise ValueError("oh")
    with locked(tmp_path / "lock"):
        pass


def test_a_reader_keeps_what_it_has_opened(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_whole(path, b"before")
    with path.open("rb") as reader:
        write_whole(path, b"after")
        assert reader.read() == b"before"
    assert path.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["state.json"]
