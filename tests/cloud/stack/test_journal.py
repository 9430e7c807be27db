"""The journal bridges what the cloud does not show yet, and tells what a crash left open."""

from __future__ import annotations

from pathlib import Path

from cloudk8s.cloud.stack.interface import Observation, Observed
from cloudk8s.cloud.stack.journal import FileJournal, Intent, MemoryJournal, unfinished
from cloudk8s.cloud.stack.resource import Owner
from cloudk8s.cloud.stack.timing import VirtualTimer

INTENT = Intent(Owner("prod", "uid"), "create", "vm", "vm/1", "token")
VM = Observed("vm", "vm/1", "i-1", "uid")


def test_what_was_made_is_seen_until_the_window_closes() -> None:
    timer = VirtualTimer()
    journal = MemoryJournal(window=60, timer=timer)
    journal.made(INTENT, VM)
    assert journal.correct(Observation()).resources == (VM,)
    timer.pause(61)
    assert journal.correct(Observation()).resources == ()


def test_what_was_deleted_is_not_seen_again() -> None:
    journal = MemoryJournal(timer=VirtualTimer())
    journal.made(INTENT, VM)
    journal.deleted(INTENT, VM)
    assert journal.correct(Observation((VM,))).resources == ()


def test_an_id_that_is_used_again_is_seen_again() -> None:
    journal = MemoryJournal(timer=VirtualTimer())
    journal.made(INTENT, VM)
    journal.deleted(INTENT, VM)
    journal.made(INTENT, VM)
    assert journal.correct(Observation((VM,))).resources == (VM,)


def test_a_file_journal_tells_which_calls_were_never_answered(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = FileJournal(path)
    journal.intend(INTENT)
    journal.made(INTENT, VM)
    journal.intend(Intent(INTENT.owner, "create", "vm", "vm/2", "other"))
    journal.close()
    assert [entry["key"] for entry in unfinished(path.read_bytes().splitlines())] == ["vm/2"]


def test_a_half_written_line_is_an_intent_that_never_was(tmp_path: Path) -> None:
    assert unfinished([b'{"event":"int']) == []
