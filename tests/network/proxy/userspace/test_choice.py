from __future__ import annotations

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.doors import Door

ONE, TWO = Backend("10.0.0.1", 80), Backend("10.0.0.2", 80)


def chooser(clock=None, **fields) -> Chooser:
    door = Door(**({"backends": (ONE, TWO), "inside_backends": (ONE, TWO)} | fields))
    return Chooser(door, clock=clock or FakeClock(), is_own=lambda address: address == "127.0.0.1")


def test_all_backends_get_their_share():
    choose = chooser()
    assert {choose.choose("192.0.2.1") for _ in range(50)} == {ONE, TWO}


def test_a_backend_that_was_tried_is_not_chosen_again():
    choose = chooser()
    assert choose.choose("192.0.2.1", tried=[ONE]) == TWO
    assert choose.choose("192.0.2.1", tried=[ONE, TWO]) is None


async def test_a_client_stays_until_its_time_has_passed_since_it_last_came():
    clock = FakeClock()
    choose = chooser(clock, affinity_seconds=10)
    first = choose.choose("192.0.2.1")
    for _ in range(20):
        await clock.advance(9)
        assert choose.choose("192.0.2.1") == first
    seen = set()
    for _ in range(50):
        await clock.advance(11)
        seen.add(choose.choose("192.0.2.1"))
    assert seen == {ONE, TWO}


def test_a_client_moves_when_its_backend_is_gone():
    choose = chooser(affinity_seconds=10)
    first = choose.choose("192.0.2.1")
    other = TWO if first == ONE else ONE
    choose.door = Door((other,), (other,), 10)
    assert choose.choose("192.0.2.1") == other


def test_clients_outside_the_source_ranges_get_nothing():
    assert chooser(source_ranges=("10.0.0.0/8",)).choose("192.0.2.1") is None


def test_own_clients_may_have_other_backends():
    choose = chooser(backends=(ONE,), inside_backends=(TWO,))
    assert choose.choose("127.0.0.1") == TWO
    assert choose.choose("192.0.2.1") == ONE
