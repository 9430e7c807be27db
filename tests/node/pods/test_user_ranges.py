"""Ranges of users for pods: one each, for as long as the pod's directory is there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudk8s.node.pods.user_ranges import SLOT, UserRanges
from cloudk8s.node.runtimes.interface import RuntimeFailure, UserRange

Make = Callable[..., UserRanges]


@pytest.fixture
def ranges(tmp_path: Path) -> Make:
    def make(node: str = "one", *, length: int = SLOT, subuid: str = "", subgid: str = "") -> UserRanges:
        files = (tmp_path / "subuid", tmp_path / "subgid")
        for path, text in zip(files, (subuid, subgid), strict=True):
            path.write_text(text)
        return UserRanges(tmp_path / node, length=length, claims=tmp_path / "claims", subordinates=files)

    return make


def test_each_pod_has_a_range_of_its_own_above_the_hosts(ranges: Make) -> None:
    found = [ranges().of(f"pod-{number}") for number in range(3)]
    assert found == [UserRange(SLOT), UserRange(2 * SLOT), UserRange(3 * SLOT)]


def test_an_agent_that_starts_again_finds_the_same_range(ranges: Make, tmp_path: Path) -> None:
    before = ranges().of("pod")
    assert ranges().of("pod") == before
    assert '"hostId":65536' in (tmp_path / "one" / "pod" / "userns").read_text()


def test_agents_of_one_host_give_no_range_twice(ranges: Make) -> None:
    found = {ranges(node).of("pod") for node in ("one", "two", "three")}
    assert len(found) == 3


def test_a_range_is_free_again_when_the_pods_directory_is_gone(ranges: Make, tmp_path: Path) -> None:
    first = ranges().of("first")
    ranges().of("second")
    shutil.rmtree(tmp_path / "one" / "first")
    assert ranges("two").of("third") == first


def test_claims_that_a_reboot_swept_away_are_made_again(ranges: Make, tmp_path: Path) -> None:
    first, second = ranges().of("first"), ranges().of("second")
    shutil.rmtree(tmp_path / "claims")
    assert ranges().of("second") == second
    assert ranges().of("first") == first


def test_a_range_that_another_took_meanwhile_is_left_to_it(ranges: Make, tmp_path: Path) -> None:
    mine = ranges().of("mine")
    shutil.rmtree(tmp_path / "claims")
    assert ranges("two").of("other") == mine
    assert ranges().of("mine") == UserRange(2 * SLOT)


def test_the_subordinate_ids_of_users_are_left_alone(ranges: Make) -> None:
    made = ranges(subuid="someone:100000:65536\n", subgid="other:200000:65536\n# a comment\n")
    assert made.of("pod") == UserRange(5 * SLOT)


def test_the_kubelets_own_ids_are_used_where_it_has_some(ranges: Make) -> None:
    entry = f"kubelet:{10 * SLOT}:{2 * SLOT}\n"
    made = ranges(subuid=entry, subgid=entry)
    assert [made.of("a"), made.of("b")] == [UserRange(10 * SLOT), UserRange(11 * SLOT)]
    with pytest.raises(RuntimeFailure, match="could not find an empty slot"):
        made.of("c")


def test_a_pod_may_have_more_users(ranges: Make) -> None:
    small = ranges("two").of("small")
    wide = ranges(length=3 * SLOT, subuid=f"someone:{3 * SLOT}:1\n")
    assert small == UserRange(SLOT)
    assert [wide.of("a"), wide.of("b")] == [UserRange(4 * SLOT, 3 * SLOT), UserRange(7 * SLOT, 3 * SLOT)]


def test_a_record_that_cannot_be_read_is_replaced(ranges: Make, tmp_path: Path) -> None:
    (tmp_path / "one" / "pod").mkdir(parents=True)
    (tmp_path / "one" / "pod" / "userns").write_text("{")
    assert ranges().of("pod") == UserRange(SLOT)
