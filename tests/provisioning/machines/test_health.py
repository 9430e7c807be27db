"""Machines that are not well are replaced, a few at a time, and not when everything is unwell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudk8s.cloud.model.machine import Machine, MachineState
from cloudk8s.provisioning.declaration.pool import HealthCheck
from cloudk8s.provisioning.machines.health import PAUSED, REMEDIATE, SKIP, ailments, brake, remediations
from cloudk8s.provisioning.machines.view import MachineView, NodeState

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHECK = HealthCheck()


def machine(
    number: int,
    mark: str = "",
    *,
    minutes: float = 60,
    down: float = 0,
    node: bool = True,
    state: MachineState = "running",
) -> MachineView:
    made = Machine(
        f"i-{number}",
        f"u-{number}",
        f"m-{number}",
        "demo",
        state,
        created=NOW - timedelta(minutes=minutes),
    )
    since = NOW - timedelta(minutes=down) if down else None
    found = NodeState(f"m-{number}", not down, unhealthy_since=since, reason="silent") if node else None
    return MachineView(made, found, needs_node=True, marks={mark: ""} if mark else {})


def names(found: object) -> list[str]:
    return [entry.machine.name for entry in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (machine(0), ""),
        (machine(0, down=2), ""),
        (machine(0, down=6), "its node is not ready: silent for more than 300 s"),
        (machine(0, node=False, minutes=5), ""),
        (machine(0, node=False, minutes=11), "it is not a node for more than 600 s"),
        (machine(0, node=False, minutes=1, state="stopped"), "it has stopped"),
        (machine(0, REMEDIATE), "somebody asked for it"),
        (machine(0, PAUSED, down=6), ""),
    ],
)
def test_what_a_machine_lacks(view: MachineView, reason: str) -> None:
    assert [entry.reason for entry in ailments(CHECK, [view], NOW)] == ([reason] if reason else [])


def test_one_is_replaced_at_a_time_and_the_newest_first() -> None:
    views = [machine(number) for number in range(8)] + [machine(8, down=6), machine(9, down=6, minutes=30)]
    assert names(remediations(CHECK, views, NOW)) == ["m-9"]
    leaving = replace(views[9], machine=replace(views[9].machine, state="deleting"))
    assert not remediations(CHECK, [*views[:9], leaving], NOW)
    assert len(remediations(HealthCheck(max_in_flight=2), views, NOW)) == 2


def test_nothing_is_replaced_when_too_many_are_unwell() -> None:
    views = [machine(number, down=6 if number < 5 else 0) for number in range(10)]
    assert not remediations(CHECK, views, NOW)
    assert "5 of 10 are not well" in brake(CHECK, views, NOW)
    assert not brake(CHECK, views[4:], NOW)


def test_the_last_machine_of_a_small_pool_is_replaced_too() -> None:
    assert names(remediations(CHECK, [machine(0, down=6)], NOW)) == ["m-0"]


def test_who_is_to_be_left_alone_is_left_alone() -> None:
    assert not remediations(CHECK, [machine(0, SKIP, down=6), machine(1), machine(2)], NOW)
    assert not remediations(HealthCheck(enabled=False), [machine(0, down=6)], NOW)
