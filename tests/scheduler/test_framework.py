"""The framework: every extension point is a hook of a plugin, asked in upstream's order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cloudk8s.scheduler.cluster.arrays import Bools, Floats
from cloudk8s.scheduler.configuration.model import ProfileConfiguration, SchedulerConfiguration
from cloudk8s.scheduler.interface import Candidates, Cycle, Handle, Nomination, Refusal, Rejection
from cloudk8s.scheduler.pod.pod import Pod
from tests.scheduler.harness import node, pod, running


class Witness:
    """Takes part everywhere and writes down where it was asked."""

    name = "Witness"

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self.seen: list[str] = arguments["seen"]

    def sort_key(self, pod: Pod, since: float) -> Any:
        self._note("sort_key")
        return since

    def pre_enqueue(self, pod: Pod) -> Refusal | None:
        return self._note("pre_enqueue")

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        return self._note("pre_filter")

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        self._note("filter")
        return np.full(rows.stop - rows.start, cycle.pod.name != "impossible")

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        yield Rejection("node(s) are impossible", rejected)

    def post_filter(self, cycle: Cycle, resolvable: Bools) -> Nomination | None:
        self._note("post_filter")
        return None

    def pre_score(self, cycle: Cycle, candidates: Candidates) -> None:
        self._note("pre_score")

    def score(self, cycle: Cycle, candidates: Candidates) -> Floats | None:
        self._note("score")
        return None

    def reserve(self, cycle: Cycle, node: str) -> Refusal | None:
        return self._note("reserve")

    def unreserve(self, cycle: Cycle, node: str) -> None:
        self._note("unreserve")

    def permit(self, cycle: Cycle, node: str) -> Refusal | None:
        return self._note("permit")

    async def pre_bind(self, cycle: Cycle, node: str) -> Refusal | None:
        self._note("pre_bind")
        return Refusal("not this one") if cycle.pod.name == "unlucky" else None

    async def bind(self, cycle: Cycle, node: str) -> bool:
        self._note("bind")
        return False

    def post_bind(self, cycle: Cycle, node: str) -> None:
        self._note("post_bind")

    def _note(self, point: str) -> Refusal | None:
        if point not in self.seen:
            self.seen.append(point)
        return None


def witnessed(seen: list[str]) -> dict[str, Any]:
    """A scheduler with a witness that sorts the queue and is asked before others that bind."""
    plugins = {
        "multiPoint": {"enabled": [{"name": "Witness"}], "disabled": [{"name": "PrioritySort"}]},
        "bind": {"enabled": [{"name": "Witness"}]},
    }
    config = [{"name": "Witness", "args": {}}]
    profile = ProfileConfiguration.model_validate({"plugins": plugins, "pluginConfig": config})
    configuration = SchedulerConfiguration(profiles=(profile,))
    return {
        "configuration": configuration,
        "plugins": {"Witness": lambda arguments, handle: Witness({"seen": seen}, handle)},
    }


async def test_a_pod_passes_every_extension_point_in_order() -> None:
    seen: list[str] = []
    async with running(node("a"), node("b"), pod("p"), **witnessed(seen)) as run:
        assert run.node_of("p")
    order = ["pre_enqueue", "sort_key", "pre_filter", "filter", "pre_score", "score", "reserve", "permit"]
    assert seen == [*order, "pre_bind", "bind", "post_bind"]


async def test_what_fails_late_is_taken_back_and_what_fails_early_may_make_room() -> None:
    late: list[str] = []
    async with running(node("a"), pod("unlucky"), **witnessed(late)) as run:
        assert run.node_of("unlucky") == ""
    assert late[-1] == "unreserve"
    early: list[str] = []
    async with running(node("a"), pod("impossible"), **witnessed(early)) as run:
        assert "1 node(s) are impossible" in run.condition("impossible")["message"]
    assert early[-1] == "post_filter"


async def test_victims_are_removed_while_other_pods_are_placed() -> None:
    """Preemption is asynchronous: a server that takes its time over a deletion holds nobody up."""
    blocked, calls = asyncio.Event(), []

    low = pod("low", cpu="3", node="a", priority=1)
    async with running(node("a", cpu="4"), low) as run:
        delete = run.client.delete

        async def slow(*arguments: Any, **options: Any) -> Any:
            calls.append(arguments[1])
            await blocked.wait()
            return await delete(*arguments, **options)

        run.client.delete = slow  # type: ignore[method-assign]
        await run.create(pod("high", cpu="4", priority=100))
        await run.settle()
        assert calls == ["low"]
        assert run.pod("high")["status"]["nominatedNodeName"] == "a"
        await run.create(pod("other", cpu="500m", priority=200))
        await run.settle()
        assert run.node_of("other") == "a", "more important than the one that room is made for"
        await run.create(pod("lesser", cpu="500m", priority=50))
        await run.settle(3)
        assert run.node_of("lesser") == "", "what the nominated pod will take is not given away"
        assert calls == ["low"], "and nobody is told twice"
