"""The limit of all pods of a node together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.machine import capacity
from cloudk8s.node.machine.capacity import Machine
from cloudk8s.node.pressure import enforcement
from cloudk8s.node.pressure.enforcement import Enforcement, limits
from cloudk8s.node.runtimes.interface import Resources, Runtime, RuntimeFailure
from cloudk8s.node.settings import NodeSettings

WHOLE = {
    "cpu": "4",
    "memory": "8Gi",
    "pid": "32768",
    "pods": "110",
    "ephemeral-storage": "10Gi",
    "hugepages-2Mi": "4Mi",
}


class Groups:
    """As much of a runtime as is limited."""

    def __init__(self, *answers: bool | RuntimeFailure) -> None:
        self._answers = list(answers)
        self.asked: list[Resources] = []

    async def limit_pods(self, resources: Resources) -> bool:
        self.asked.append(resources)
        answer = self._answers.pop(0)
        if isinstance(answer, RuntimeFailure):
            raise answer
        return answer


def test_what_is_reserved_is_kept_from_all_pods_together() -> None:
    """But not what stays free for evictions, which would never come if the kernel killed before."""
    found = limits(WHOLE, {"cpu": "500m", "memory": "1Gi", "pid": "768"})
    assert found == Resources(cpu_shares=3584, memory_limit=7 << 30, pids_limit=32_000, huge_pages=(("2MB", 4 << 20),))


def test_nothing_reserved_leaves_the_whole_machine() -> None:
    assert limits(WHOLE, {}).memory_limit == 8 << 30


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Machine(2, 4 << 30, 1 << 30, "amd64", "", "", "", "", "")
    monkeypatch.setattr(capacity, "look", lambda root: found)
    monkeypatch.setattr(enforcement, "processes", lambda: (1, 1000))


def made(groups: Groups, told: list[str], clock: FakeClock, **fields: Any) -> Enforcement:
    settings = NodeSettings(node_name="n", root_dir=Path("/"), system_reserved={"memory": "1Gi"}, **fields)
    return Enforcement(
        settings, cast(Runtime, groups), clock=clock, announce=lambda kind, reason, note: told.append(reason)
    )


@pytest.mark.usefixtures("machine")
async def test_it_is_tried_again_until_pods_use_less() -> None:
    groups, told, clock = Groups(RuntimeFailure("in use"), True), list[str](), FakeClock()
    task = asyncio.create_task(made(groups, told, clock).run())
    async with asyncio.timeout(10):
        while not told:
            await clock.advance(0)
        await clock.advance(61)
        await task
    assert told == ["FailedNodeAllocatableEnforcement", "NodeAllocatableEnforced"]
    assert groups.asked == [Resources(cpu_shares=2048, memory_limit=3 << 30, pids_limit=1000)] * 2


@pytest.mark.usefixtures("machine")
async def test_where_it_is_not_enforced_pods_may_use_the_whole_machine() -> None:
    groups = Groups(True)
    await made(groups, [], FakeClock(), enforce_node_allocatable=()).run()
    assert [each.memory_limit for each in groups.asked] == [4 << 30]


@pytest.mark.usefixtures("machine")
async def test_nothing_is_said_where_nothing_limits_pods() -> None:
    told = list[str]()
    await made(Groups(False), told, FakeClock()).run()
    assert told == []
