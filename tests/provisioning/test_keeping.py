"""A cluster that is looked after."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.errors import CloudK8sError, UserError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.keeping import keep
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.settling import Busy, alone
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


def test_another_command_is_waited_for(tmp_path: Path) -> None:
    timer, events, order = VirtualTimer(), list[Event](), list[str]()
    lock = tmp_path / "demo.lock"
    with (
        alone(lock, "demo", timer=timer),
        pytest.raises(Busy, match="another command works"),
        alone(lock, "demo", patience=5, timer=timer, report=events.append),
    ):
        order.append("both at once")
    assert order == []
    assert 5 <= timer.monotonic() < 6
    assert [event.kind for event in events] == ["waiting"]
    with alone(lock, "demo", patience=0, timer=timer):
        order.append("later")
    assert order == ["later"]


def test_who_looks_after_a_cluster_lets_others_work_on_it() -> None:
    events, taken = list[Event](), list[int]()

    def turn() -> None:
        taken.append(1)
        raise Busy("another command works on it")

    keep(turn, every=30, timer=VirtualTimer(), report=events.append, turns=2)
    assert len(taken) == 2
    assert [event.kind for event in events] == ["waiting"] * 2
