"""DaemonSets in bad weather: one pod a node, as few nodes without one as the strategy allows, and an end."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import DAEMON_SETS, PODS
from cloudk8s.controllers.daemon_set.controller import DaemonSetController
from cloudk8s.controllers.pods import is_active, is_ready
from cloudk8s.testing.unreliable_client import Weather
from tests.controllers.harness import NS, daemon_set, node
from tests.controllers.storm import STORMY, Storm, seeds, storm, weathers

steps = st.lists(st.sampled_from(("image", "back", "restart", "wait")), min_size=1, max_size=5)


class Coverage:
    """What the strategy allows; looked at after every change of anything."""

    def __init__(self, run: Storm, nodes: int, unavailable: int, surge: int) -> None:
        self._run = run
        self._fewest, self._most = nodes - unavailable, 2 if surge else 1
        self.has_settled = False
        self.broken: list[str] = []

    def check(self) -> None:
        pods = [pod for pod in self._run.client.all(PODS) if is_active(pod)]
        crowded = {place: count for place, count in Counter(map(_node_of, pods)).items() if count > self._most}
        if crowded:
            self.broken.append(f"pods on nodes: {crowded}")
        served = {_node_of(pod) for pod in pods if is_ready(pod)}
        if self.has_settled and len(served) < self._fewest:
            self.broken.append(f"only {len(served)} nodes have a ready pod, {self._fewest} should")


@STORMY
@given(seeds, weathers(), st.integers(1, 5), st.integers(0, 3), st.booleans(), steps)
def test_every_node_keeps_its_pod_as_the_strategy_allows(
    seed: int, weather: Weather, nodes: int, unavailable: int, surges: bool, doing: list[str]
) -> None:
    surge = 1 if surges else 0
    asyncio.run(_roll(seed, weather, nodes, 0 if surges else max(1, unavailable), surge, doing))


async def _roll(seed: int, weather: Weather, nodes: int, unavailable: int, surge: int, doing: list[str]) -> None:
    made = daemon_set("agent", rolling={"maxUnavailable": unavailable, "maxSurge": surge})
    objects = [made, *(node(f"n{number}") for number in range(nodes))]
    async with storm(DaemonSetController, seed=seed, weather=weather, objects=objects) as run:
        coverage = Coverage(run, nodes, unavailable, surge)
        run.client.observe(coverage.check)
        await run.pass_time(20)
        await run.clear_up(60)
        coverage.has_settled = True
        run.weather = weather
        await run.restart()
        for number, step in enumerate(doing):
            await _do(run, step, number)
            await run.pass_time(run.random.choice((0.1, 1, 5)))
        await run.clear_up(240)
        assert coverage.broken == []
        _assert_done(run, nodes)


async def _do(run: Storm, step: str, number: int) -> None:
    match step:
        case "image" | "back":
            image = "image:1" if step == "back" else f"image:{number + 2}"
            template = {"spec": {"containers": [{"name": "c", "image": image}]}}
            await run.client.patch(
                DAEMON_SETS, "agent", {"spec": {"template": template}}, namespace=NS, type="strategic"
            )
        case "restart":
            await run.restart()
        case _:
            await run.pass_time(5)


def _assert_done(run: Storm, nodes: int) -> None:
    wanted = run.harness.get(DAEMON_SETS, "agent")
    image = wanted["spec"]["template"]["spec"]["containers"][0]["image"]
    pods = [pod for pod in run.client.all(PODS) if is_active(pod)]
    assert sorted(map(_node_of, pods)) == [f"n{number}" for number in range(nodes)]
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {image}
    status = wanted["status"]
    fields = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    assert [status.get(field) for field in fields] == [nodes] * 4


def _node_of(pod: Object) -> str:
    """Where it is, or is to go."""
    if bound := pod["spec"].get("nodeName"):
        return str(bound)
    terms = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return str(terms["nodeSelectorTerms"][0]["matchFields"][0]["values"][0])
