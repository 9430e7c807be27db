"""Who works on a cluster: one at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cloudk8s.client.resources import LEASES
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.turns import NAME, Turn
from tests.provisioning.objects.fake_api import FakeApi

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class World:
    def __init__(self) -> None:
        self.fake = FakeApi()
        self.one, self.two = Turn("one"), Turn("two")

    @property
    def api(self) -> ClusterApi:
        return self.fake  # type: ignore[return-value]

    def holder(self) -> str:
        return str(self.fake.objects[LEASES][NAME]["spec"]["holderIdentity"])


def test_the_first_has_the_turn_and_others_are_told_whose_it_is() -> None:
    world = World()
    assert world.one.take(world.api, NOW) == ""
    assert world.two.take(world.api, after(1)) == "one"
    assert world.holder() == "one"


def test_who_gives_it_back_lets_others_work() -> None:
    world = World()
    world.one.take(world.api, NOW)
    world.one.give_back(world.api)
    assert world.two.take(world.api, after(1)) == ""
    assert world.one.take(world.api, after(2)) == "two"


def test_who_works_on_keeps_it() -> None:
    world = World()
    for seconds in range(0, 200, 20):
        assert world.one.take(world.api, after(seconds)) == ""
    assert world.two.take(world.api, after(230)) == "one"


def test_it_is_not_renewed_at_every_pass() -> None:
    world = World()
    for seconds in range(15):
        world.one.take(world.api, after(seconds))
    assert len(world.fake.writes) == 1


def test_who_dies_loses_it() -> None:
    world = World()
    world.one.take(world.api, NOW)
    assert world.two.take(world.api, after(59)) == "one"
    assert world.two.take(world.api, after(60)) == ""
    assert world.one.take(world.api, after(61)) == "two"


def test_what_another_one_holds_is_not_given_back() -> None:
    world = World()
    world.one.take(world.api, NOW)
    world.two.take(world.api, after(70))
    world.one.give_back(world.api)
    assert world.holder() == "two"


def test_it_may_be_held_for_long() -> None:
    world = World()
    Turn("deletion", seconds=3600).take(world.api, NOW)
    assert world.one.take(world.api, after(3000)) == "deletion"
