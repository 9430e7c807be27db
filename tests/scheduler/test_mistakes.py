"""A plugin that raises costs its pod an attempt, and nobody else anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.scheduler.binding import AT_ONCE
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.configuration.model import ProfileConfiguration, SchedulerConfiguration
from cloudk8s.scheduler.interface import Cycle, Handle, Nomination
from tests.scheduler.harness import node, pod, running


class Broken:
    """Fails when room has to be made."""

    name = "Broken"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._handle = handle

    def post_filter(self, cycle: Cycle, resolvable: Bools) -> Nomination | None:
        raise RuntimeError("a mistake")


async def test_a_mistake_while_room_is_made_takes_no_place_of_bindings() -> None:
    profile = ProfileConfiguration.model_validate({"plugins": {"multiPoint": {"enabled": [{"name": "Broken"}]}}})
    configuration = SchedulerConfiguration(profiles=(profile,))
    async with running(
        node("a", cpu="1"), pod("big", cpu="2"), configuration=configuration, plugins={"Broken": Broken}
    ) as run:
        await run.settle(5)
        assert run.condition("big")["reason"] == "SchedulerError"
        await run.create(pod("fits"))
        await run.settle()
        assert run.node_of("fits") == "a"
        slots = run.scheduler._binder._slots._value
        assert slots == AT_ONCE - 1, "the loop holds the place of the next binding, and nobody else any"
