"""The last words of containers, and how many of them are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cloudk8s.node.containers import termination
from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import Container

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FROM_LOG = {naming.TERMINATION_POLICY: "FallbackToLogsOnError"}


def ended(log: Path, *, code: int = 1, falls_back: bool = True) -> Container:
    return Container(
        "c-1", "s", "c", 0, "exited", "i", "i", NOW, exit_code=code, log_path=str(log),
        annotations=FROM_LOG if falls_back else {},
    )  # fmt: skip


def logged(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"2026-01-01T00:00:00Z stdout {line}\n" for line in lines))
    return path


def test_what_a_container_wrote_is_cut_after_4096_bytes(tmp_path: Path) -> None:
    words = tmp_path / "words"
    termination.prepare(words)
    assert words.stat().st_mode & 0o777 == 0o666
    words.write_text("a" * 5000)
    assert termination.read(ended(tmp_path / "none", code=0), words) == "a" * 4096


def test_the_log_counts_only_after_a_failure_without_words(tmp_path: Path) -> None:
    log, words = logged(tmp_path / "log", "F one", "P two ", "F three"), tmp_path / "words"
    words.write_text("")
    assert termination.read(ended(log), words) == "one\ntwo three\n"
    assert termination.read(ended(log, code=0), words) == ""
    assert termination.read(ended(log, falls_back=False), words) == ""
    words.write_text("written")
    assert termination.read(ended(log), words) == "written"


def test_of_the_log_the_last_80_lines_and_2048_bytes_count(tmp_path: Path) -> None:
    short = logged(tmp_path / "short", *(f"F {number}" for number in range(200)))
    assert termination.read(ended(short), None).split() == [str(number) for number in range(120, 200)]
    long = logged(tmp_path / "long", *(f"F {number:03}{'x' * 96}" for number in range(200)))
    found = termination.read(ended(long), None)
    assert (len(found), found.endswith("199" + "x" * 96 + "\n")) == (2048, True)


def test_without_a_log_there_are_no_words(tmp_path: Path) -> None:
    assert termination.read(ended(tmp_path / "none"), tmp_path / "nothing") == ""
