"""A cluster that is looked after."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.errors import CloudK8sError, UserError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.keeping import keep
from cloudk8s.provisioning.progress import Event
from tests.provisioning.harness import SimulatedCloud, declaration, workers


def test_what_breaks_is_mended_at_the_next_turn() -> None:
    cloud, wanted = SimulatedCloud(), declaration(pools=workers(2))
    converge(cloud.site(), wanted)

    def turn() -> None:
        victim = next(thing for thing in cloud.account.everything() if thing.properties.get("pool") == "workers")
        cloud.account.update(victim.id, {"state": "stopped"})
        converge(cloud.site(), wanted)

    keep(turn, every=30, timer=cloud.timer, report=cloud.events.append, turns=3)
    assert len(cloud.instances()) == 3
    assert sum("it has stopped" in event.detail for event in cloud.events) == 3


def test_a_turn_that_fails_is_told_and_taken_again() -> None:
    events: list[Event] = []
    taken: list[int] = []

    def turn() -> None:
        taken.append(1)
        raise CloudK8sError("the cloud is away")

    keep(turn, every=30, timer=VirtualTimer(), report=events.append, turns=2)
    assert len(taken) == 2
    assert [event.detail for event in events] == ["the cloud is away"] * 2


def test_a_mistake_ends_it() -> None:
    def turn() -> None:
        raise UserError("there is no such cluster")

    with pytest.raises(UserError):
        keep(turn, every=30, timer=VirtualTimer(), report=lambda event: None)
