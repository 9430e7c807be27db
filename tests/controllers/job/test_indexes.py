from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.controllers.job import indexes


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([0], "0"), ([0, 1], "0,1"), ([0, 1, 2], "0-2"), ([1, 3, 4, 5, 7], "1,3-5,7"), ([9, 2, 3], "2,3,9")],
)
def test_the_text_form(numbers: list[int], text: str) -> None:
    assert indexes.format(numbers) == text
    assert indexes.parse(text, 10) == set(numbers)


@given(st.sets(st.integers(0, 200)))
def test_what_is_written_can_be_read(numbers: set[int]) -> None:
    assert indexes.parse(indexes.format(numbers), 201) == numbers


def test_nonsense_and_what_is_too_large_are_dropped() -> None:
    assert indexes.parse("x,1,-,3-x,5-9", 7) == {1, 5, 6}


def test_pending_are_the_first_free_ones() -> None:
    assert indexes.pending({0, 2}, 2, 10) == [1, 3]
    assert indexes.pending({0, 2}, 5, 4) == [1, 3]
