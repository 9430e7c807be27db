"""Members of etcd leave before their machines go, and those whose machines are gone are asked to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.controlplane.machine.etcd.roll import (
    DEPARTURES,
    ROLL,
    Entry,
    departures_object,
    read_departures,
    roll_object,
)
from cloudk8s.provisioning.membership import Membership, strays


class FakeApi:
    """The cluster's API, as far as ConfigMaps go."""

    def __init__(self, *entries: Entry, asked: Sequence[str] = ()) -> None:
        self.maps: dict[str, dict[str, Any]] = {ROLL: roll_object(entries), DEPARTURES: departures_object(asked)}
        self.writes = 0

    def list(self, resource: Resource, *, namespace: str = "", fields: str = "") -> Sequence[Object]:
        name = fields.partition("=")[2]
        return [self.maps[name]] if name in self.maps else []

    def apply(self, resource: Resource, obj: Object) -> None:
        self.writes += 1
        self.maps[obj["metadata"]["name"]] = dict(obj)

    @property
    def asked(self) -> set[str]:
        return set(read_departures(self.maps[DEPARTURES]))


def read(api: FakeApi) -> Membership:
    found = Membership()
    found.read(api, ["a", "b", "c"], NOW)  # type: ignore[arg-type]
    return found


def ask(membership: Membership, api: FakeApi, *machines: str) -> None:
    membership.ask(api, machines)  # type: ignore[arg-type]


NOW = datetime(2030, 1, 1, tzinfo=UTC)
ONE, TWO, THREE = Entry("1", "a", "10.0.0.1"), Entry("2", "b", "10.0.0.2"), Entry("3", "c", "10.0.0.3")


def test_a_machine_stays_until_its_member_has_left() -> None:
    api = FakeApi(ONE, TWO, THREE)
    membership = read(api)
    assert "has not left etcd yet" in membership.keeps("b")
    ask(membership, api, "a", "b", "c")
    assert api.asked == {"2"}
    api.maps[ROLL] = roll_object([ONE, THREE])
    assert read(api).keeps("b") == ""


def test_why_a_member_stays_is_told() -> None:
    kept = Entry("2", "b", "10.0.0.2", objection="etcd would lose its quorum")
    assert read(FakeApi(ONE, kept, asked=["2"])).keeps("b") == "etcd would lose its quorum"


def test_a_wish_is_taken_back_when_the_machine_is_to_stay() -> None:
    api = FakeApi(ONE, TWO, THREE, asked=["2"])
    ask(read(api), api, "a", "b", "c")
    assert api.asked == set()


def test_nothing_is_written_when_nothing_changes() -> None:
    api = FakeApi(ONE, TWO)
    ask(read(api), api, "a", "b")
    assert api.writes == 0


@pytest.mark.parametrize(
    ("entry", "is_stray"),
    [
        (Entry("9", "gone", "10.0.0.9", is_healthy=False), True),
        (Entry("9", "gone", "10.0.0.9", is_healthy=True), False),
        (Entry("9", "a", "10.0.0.9", is_healthy=False), False),
        (Entry("9", "", "10.0.0.9", is_healthy=False), False),
    ],
    ids=["silent and without a machine", "it answers", "its machine is there", "it has not started"],
)
def test_members_without_machines_are_asked_to_go(entry: Entry, is_stray: bool) -> None:
    assert bool(strays([entry], ["a", "b"])) is is_stray
    api = FakeApi(ONE, TWO, entry)
    ask(read(api), api, "a", "b")
    assert api.asked == ({"9"} if is_stray else set())


def test_a_member_is_not_that_of_a_later_machine_of_the_same_name() -> None:
    """The roll still tells of it as healthy when the new machine's node is ready."""
    api, membership = FakeApi(ONE, TWO, THREE), Membership()
    for names in (["a", "c"], ["a", "b", "c"]):
        membership.read(api, names, NOW)  # type: ignore[arg-type]
    assert membership.of("b", NOW + timedelta(seconds=1)) is None
    assert membership.of("b", NOW - timedelta(days=1)) == TWO, "the listing lacked a machine for a moment"
    assert membership.of("a", NOW - timedelta(days=1)) == ONE
    again = Entry("4", "b", "10.0.0.2")
    api.maps[ROLL] = roll_object((ONE, TWO, THREE, again))
    membership.read(api, ["a", "b", "c"], NOW)  # type: ignore[arg-type]
    assert membership.of("b", NOW + timedelta(seconds=1)) == again
