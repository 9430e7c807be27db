"""Hands of queues."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.apiserver.flow_control.dealing import hand


@given(
    st.text(),
    st.text(),
    st.integers(1, 64).flatmap(lambda queues: st.tuples(st.just(queues), st.integers(1, min(queues, 8)))),
)
def test_a_hand_holds_different_queues(schema: str, flow: str, size: tuple[int, int]) -> None:
    dealt = hand(schema, flow, queues=size[0], size=size[1])
    assert len(dealt) == len(set(dealt)) == size[1]
    assert all(0 <= card < size[0] for card in dealt)


def test_a_flow_always_gets_the_same_hand() -> None:
    assert hand("s", "ann", queues=64, size=6) == hand("s", "ann", queues=64, size=6)
    assert len({hand("s", f"user-{number}", queues=64, size=6) for number in range(100)}) > 95


def test_no_queues_make_no_hand() -> None:
    assert hand("s", "ann", queues=0, size=0) == ()
