"""The chunked sorted list against a plain one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.storage.sorted_keys import AFTER_ALL, CHUNK, SortedKeys

keys = st.lists(st.text("abc/", max_size=4), max_size=30)


@given(added=keys, removed=keys, low=st.text("abc/", max_size=3), limit=st.integers(0, 5))
def test_behaves_like_a_sorted_set(added: list[str], removed: list[str], low: str, limit: int) -> None:
    tested, model = SortedKeys(), set[str]()
    for key in added:
        if key not in model:
            tested.add(key)
            model.add(key)
    for key in removed:
        if key in model:
            tested.remove(key)
            model.remove(key)
    assert list(tested) == sorted(model)
    assert len(tested) == len(model)
    assert tested.rank(low) == sum(key <= low for key in model)
    expected = sorted(key for key in model if low < key <= low + AFTER_ALL)
    assert tested.between(low, low + AFTER_ALL, limit) == (expected[:limit] if limit else expected)


def test_stays_sorted_across_many_splits_and_removals() -> None:
    shuffled = [f"{n:06}" for n in range(10 * CHUNK)]
    random.Random(1).shuffle(shuffled)
    tested = SortedKeys()
    for key in shuffled:
        tested.add(key)
    assert list(tested) == sorted(shuffled)
    for key in shuffled[: 9 * CHUNK]:
        tested.remove(key)
    left = sorted(shuffled[9 * CHUNK :])
    assert list(tested) == left
    assert [tested.rank(key) for key in left] == list(range(1, len(left) + 1))
    assert tested.between("", AFTER_ALL, 700) == left[:700]


def test_is_built_from_many_keys_at_once() -> None:
    names = [f"{n:06}" for n in range(3 * CHUNK)]
    assert list(SortedKeys(reversed(names))) == names


def test_removal_of_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        SortedKeys(["a"]).remove("b")
