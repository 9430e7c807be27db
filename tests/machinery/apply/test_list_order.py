from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery.apply import list_order


def _merged(live: str, config: str) -> str:
    return "".join(list_order.merged(list(live), list(config), lambda item: item, lambda old, new: new))


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ("abc", "cxa", "bcxa"), ("bcxa", "ba", "bcxa"), ("ab", "bc", "abc"), ("abc", "", "abc"), ("", "abc", "abc"),
        ("abcd", "da", "bcda"), ("abcde", "xby", "axbcdey"),
    ],
)  # fmt: skip
def test_applied_items_keep_their_order_and_live_ones_stay_around_them(live: str, config: str, merged: str) -> None:
    assert _merged(live, config) == merged


def test_repeated_live_items_give_way_to_the_applied_one() -> None:
    def merge(old: Any, new: Any) -> Any:
        raise AssertionError("repeated items do not merge")

    assert list_order.merged(["a", "a", "b"], ["a"], lambda item: item, merge) == ["a", "b"]


_ITEMS = st.lists(st.sampled_from("abcdef"), unique=True).map("".join)


@given(_ITEMS, _ITEMS)
def test_both_orders_survive_and_nothing_is_lost(live: str, config: str) -> None:
    merged = _merged(live, config)
    assert sorted(merged) == sorted({*live, *config})
    assert "".join(item for item in merged if item in config) == config
    assert "".join(item for item in merged if item not in config) == "".join(i for i in live if i not in config)
