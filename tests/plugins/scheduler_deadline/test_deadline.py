"""Deadlines of pods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.scheduler.configuration.model import SchedulerConfiguration
from cloudk8s_scheduler_deadline.plugin import deadline
from tests.scheduler.harness import node, pod, running

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def options(**arguments: Any) -> dict[str, Any]:
    plugins = {"multiPoint": {"enabled": [{"name": "Deadline"}], "disabled": [{"name": "PrioritySort"}]}}
    profile = {"plugins": plugins, "pluginConfig": [{"name": "Deadline", "args": arguments}]}
    configuration = SchedulerConfiguration.model_validate({"profiles": [profile]})
    return {"configuration": configuration, "plugins": {"Deadline": deadline}, "clock": FakeClock(NOON)}


def due(name: str, when: str, takes: str = "", **more: Any) -> Object:
    annotations = {"cloudk8s.io/deadline": f"2026-01-01T{when}:00Z"}
    if takes:
        annotations["cloudk8s.io/expected-duration"] = takes
    return pod(name, cpu="1", metadata={"annotations": annotations}, **more)


async def first(*pods: Object, **arguments: Any) -> str:
    """Which of the pods gets the only place."""
    async with running(*pods, **options(**arguments)) as run:
        run.client.add(node("a", cpu="1"))
        await run.settle(12)
        return next(name for name, where in run.placement().items() if where)


async def test_what_must_start_soonest_goes_first() -> None:
    assert await first(pod("none", cpu="1"), due("late", "18:00"), due("soon", "13:00")) == "soon"


async def test_long_work_must_start_sooner() -> None:
    assert await first(due("soon", "14:00", "10m"), due("long", "18:00", "5h30m")) == "long"


async def test_a_duration_for_those_that_say_none() -> None:
    assert await first(due("said", "14:00", "10m"), due("unsaid", "14:30"), expectedSeconds=7200) == "unsaid"


async def test_priority_goes_before_deadlines_unless_told_otherwise() -> None:
    pods = [due("soon", "13:00"), due("important", "18:00", priority=10)]
    assert await first(*pods) == "important"
    assert await first(*pods, acrossPriorities=True) == "soon"


async def test_what_is_too_late_runs_or_is_held() -> None:
    async with running(node("a"), due("late", "11:00"), **options()) as run:
        assert run.node_of("late") == "a"
    async with running(node("a"), due("late", "13:00", "2h"), **options(onMissed="Hold")) as run:
        assert run.node_of("late") == ""
        message = "the pod had to start by 2026-01-01T11:00:00Z to meet its deadline"
        assert message in run.events("late")[0][1]


async def test_annotations_that_cannot_be_read_are_no_deadline() -> None:
    odd = pod("odd", cpu="1", metadata={"annotations": {"cloudk8s.io/deadline": "soon"}})
    assert await first(odd, due("due", "18:00", "a while")) == "due"


def test_mistakes_in_the_arguments_are_named() -> None:
    with pytest.raises(SettingsError, match="pluginConfig of Deadline: onMissed"):
        deadline({"onMissed": "Panic"}, _Handle())  # type: ignore[arg-type]


class _Handle:
    clock = FakeClock()
