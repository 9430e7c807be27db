"""Listings of a cloud may be late; what was done a moment ago is known all the same."""

from __future__ import annotations

from dataclasses import replace

from cloudk8s.cloud.model.machine import Machine
from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.provisioning.memory import MachineMemory

MACHINE = Machine("i-1", "u-1", "web-0", "demo", "running")


def test_what_was_made_is_there_although_it_is_not_listed_yet() -> None:
    memory = MachineMemory(VirtualTimer())
    memory.made([MACHINE])
    assert memory.correct([]) == [MACHINE]
    assert memory.correct([MACHINE]) == [MACHINE]


def test_what_was_deleted_is_going_although_it_is_listed_as_before() -> None:
    memory = MachineMemory(VirtualTimer())
    memory.deleted([MACHINE])
    assert [machine.state for machine in memory.correct([MACHINE])] == ["deleting"]
    assert memory.correct([replace(MACHINE, state="gone")])[0].state == "gone"


def test_a_machine_that_was_made_again_under_its_id_is_there() -> None:
    memory = MachineMemory(VirtualTimer())
    memory.deleted([MACHINE])
    memory.made([MACHINE])
    assert memory.correct([MACHINE]) == [MACHINE]


def test_listings_are_believed_after_a_while() -> None:
    timer = VirtualTimer()
    memory = MachineMemory(timer, window=60)
    memory.made([MACHINE])
    timer.pause(61)
    assert memory.correct([]) == []
