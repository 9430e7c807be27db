from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.controllers.resource_quota.charges import Charges
from cloudk8s.machinery.clock import FakeClock


def quota(pods: str) -> Object:
    return {"metadata": {"name": "q", "namespace": "n"}, "status": {"used": {"pods": pods}}}


async def followed(clock: FakeClock) -> Charges:
    """Charges of a quota that is known for a while, and that counts 3 pods."""
    charges = Charges(clock)
    charges.note(None, quota("3"))
    await clock.advance(10)
    return charges


async def test_a_count_that_misses_a_fresh_charge_gives_back_only_what_it_can_know() -> None:
    clock = FakeClock()
    charges = await followed(clock)
    charges.note(quota("3"), quota("4"))
    assert charges.not_below(quota("4"), {"pods": "2"}) == {"pods": "3"}
    assert charges.not_below(quota("4"), {"pods": "4"}) == {"pods": "4"}
    assert charges.not_below(quota("4"), {"pods": "5"}) == {"pods": "5"}
    await clock.advance(2)
    assert charges.not_below(quota("4"), {"pods": "2"}) == {"pods": "2"}


async def test_what_was_counted_is_no_charge() -> None:
    charges = await followed(FakeClock())
    charges.counted(quota("3"), {"pods": "5"})
    charges.note(quota("3"), quota("5"))
    assert charges.not_below(quota("5"), {"pods": "1"}) == {"pods": "1"}


async def test_nothing_is_given_back_before_a_new_controller_can_know_what_is_under_way() -> None:
    clock = FakeClock()
    charges = Charges(clock)
    charges.note(None, quota("4"))
    assert charges.not_below(quota("4"), {"pods": "2"}) == {"pods": "4"}
    await clock.advance(2)
    assert charges.not_below(quota("4"), {"pods": "2"}) == {"pods": "2"}
