"""What a scheduler counts, seen as Prometheus sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cloudk8s.machinery.exposition import page
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.scheduler.configuration.model import ProfileConfiguration, SchedulerConfiguration
from cloudk8s.scheduler.interface import Cycle, Handle, Wait
from cloudk8s.scheduler.metrics import SAMPLE
from tests.scheduler.harness import node, pod, running


def shown(instruments: Instruments) -> Mapping[str, float]:
    """Values by name and labels, as on the page."""
    found = {}
    for line in page(instruments.families()).splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


async def test_attempts_and_pods_are_counted_by_result() -> None:
    instruments = Instruments()
    async with running(node("a", cpu="1"), instruments=instruments) as harness:
        await harness.create(pod("fits", cpu="500m"), pod("too-big", cpu="2"))
        await harness.settle()
        found = shown(instruments)
    profile = 'profile="default-scheduler"'
    assert found[f'scheduler_schedule_attempts_total{{{profile},result="scheduled"}}'] == 1
    assert found[f'scheduler_schedule_attempts_total{{{profile},result="unschedulable"}}'] >= 1
    name = "scheduler_scheduling_attempt_duration_seconds_count"
    assert found[f'{name}{{{profile},result="scheduled"}}'] == 1
    assert found["scheduler_scheduling_algorithm_duration_seconds_count"] >= 2
    assert found['scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"}'] == 1
    assert found["scheduler_pod_scheduling_attempts_count"] == 1


async def test_the_queue_and_the_cache_show_what_is_in_them() -> None:
    instruments = Instruments()
    async with running(node("a", cpu="1"), node("b", cpu="1"), instruments=instruments) as harness:
        gated = pod("gated")
        gated["spec"]["schedulingGates"] = [{"name": "example.com/wait"}]
        await harness.create(pod("fits"), pod("too-big", cpu="2"), gated)
        await harness.settle()
        found = shown(instruments)
    assert found['scheduler_pending_pods{queue="active"}'] == 0
    assert found['scheduler_pending_pods{queue="unschedulable"}'] == 1
    assert found['scheduler_pending_pods{queue="gated"}'] == 1
    rejected = 'scheduler_unschedulable_pods{plugin="%s",profile="default-scheduler"}'
    assert found[rejected % "NodeResourcesFit"] == found[rejected % "SchedulingGates"] == 1
    assert found['scheduler_cache_size{type="nodes"}'] == 2
    assert found['scheduler_cache_size{type="pods"}'] == 1
    assert found['scheduler_cache_size{type="assumed_pods"}'] == 0


async def test_pods_that_enter_the_queue_are_counted_by_what_brought_them() -> None:
    instruments = Instruments()
    async with running(node("a", cpu="1"), instruments=instruments) as harness:
        await harness.create(pod("one"), pod("too-big", cpu="2"))
        await harness.settle()
        await harness.patch_node("a", {"status": {"allocatable": {"cpu": "4"}}})
        await harness.settle(15)
        found = shown(instruments)
        placed = harness.node_of("too-big")
    incoming = 'scheduler_queue_incoming_pods_total{event="%s",queue="%s"}'
    assert placed == "a"
    assert found[incoming % ("UnschedulablePodAdd", "active")] == 2
    assert found[incoming % ("ScheduleAttemptFailure", "unschedulable")] == 1
    moved = sum(value for name, value in found.items() if "NodeUpdate" in name)
    assert moved == 1


async def test_preemptions_and_their_victims_are_counted() -> None:
    instruments = Instruments()
    low = [pod(f"low-{index}", cpu="500m", node="a", priority=0) for index in range(2)]
    async with running(node("a", cpu="1"), *low, instruments=instruments) as harness:
        await harness.create(pod("high", cpu="1", priority=100))
        await harness.settle()
        found = shown(instruments)
    assert found["scheduler_preemption_attempts_total"] == 1
    assert found["scheduler_preemption_victims_sum"] == 2
    assert found["scheduler_preemption_victims_count"] == 1


async def test_one_attempt_in_many_is_measured_by_extension_point_and_plugin() -> None:
    instruments = Instruments()
    async with running(node("a"), node("b"), instruments=instruments) as harness:
        await harness.create(*(pod(f"p{index}", cpu="10m") for index in range(3 * SAMPLE)))
        await harness.settle()
        found = shown(instruments)
    points = {
        re.search('extension_point="([A-Za-z]+)"', name).group(1): value  # type: ignore[union-attr]
        for name, value in found.items()
        if name.startswith("scheduler_framework_extension_point_duration_seconds_count")
    }
    assert {"PreFilter", "Filter", "Score", "Reserve", "Bind"} <= set(points)
    assert points["Filter"] == 3
    plugin = 'scheduler_plugin_execution_duration_seconds_count{extension_point="Filter",plugin="%s",status="Success"}'
    assert found[plugin % "NodeResourcesFit"] == found[plugin % "TaintToleration"] == 3


class Holding:
    """Holds every pod back."""

    name = "Holding"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        pass

    def permit(self, cycle: Cycle, node: str) -> Wait:
        return Wait(timedelta(seconds=3))


async def test_how_long_pods_wait_for_a_permit_is_measured() -> None:
    instruments = Instruments()
    profile = ProfileConfiguration.model_validate({"plugins": {"multiPoint": {"enabled": [{"name": "Holding"}]}}})
    configuration = SchedulerConfiguration(profiles=(profile,))
    async with running(
        node("a"), pod("p"), instruments=instruments, configuration=configuration, plugins={"Holding": Holding}
    ) as run:
        await run.settle(3)
        found = shown(instruments)
    assert found['scheduler_permit_wait_duration_seconds_count{result="Unschedulable"}'] == 1
    assert 2.5 < found['scheduler_permit_wait_duration_seconds_sum{result="Unschedulable"}'] < 3.5
