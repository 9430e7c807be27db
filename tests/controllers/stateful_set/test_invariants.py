"""StatefulSets in bad weather: one pod after the other, never more than one short, and in the end all of them."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, uid_of
from cloudk8s.client.resources import PODS, STATEFUL_SETS
from cloudk8s.controllers.pods import is_active, is_ready
from cloudk8s.controllers.revisions import POD_LABEL
from cloudk8s.controllers.stateful_set.controller import StatefulSetController
from cloudk8s.testing.unreliable_client import Weather
from tests.controllers.harness import NS, stateful_set
from tests.controllers.storm import STORMY, Storm, seeds, storm, weathers

steps = st.lists(st.sampled_from(("image", "back", "restart", "wait")), min_size=1, max_size=5)


class Order:
    """What order demands; looked at after every change of anything."""

    def __init__(self, run: Storm, size: int) -> None:
        self._run = run
        self._size = size
        self._known: set[str] = set()
        self.has_settled = False
        self.broken: list[str] = []

    def check(self) -> None:
        pods = [pod for pod in self._run.client.all(PODS) if is_active(pod)]
        for pod in pods:
            if uid_of(pod) not in self._known:
                self._known.add(uid_of(pod))
                self._check_predecessors(_ordinal(pod), pods)
        ready = sum(map(is_ready, pods))
        if self.has_settled and ready < self._size - 1:
            self.broken.append(f"only {ready} of {self._size} pods are ready")

    def _check_predecessors(self, ordinal: int, pods: list[Object]) -> None:
        there = {_ordinal(pod) for pod in pods if is_ready(pod)}
        if missing := set(range(ordinal)) - there:
            self.broken.append(f"pod {ordinal} was made although {sorted(missing)} were not ready")


@STORMY
@given(seeds, weathers(), st.integers(1, 5), steps)
def test_pods_come_in_order_and_go_one_by_one(seed: int, weather: Weather, size: int, doing: list[str]) -> None:
    asyncio.run(_roll(seed, weather, size, doing))


async def _roll(seed: int, weather: Weather, size: int, doing: list[str]) -> None:
    made = stateful_set("db", size)
    made["spec"]["template"]["spec"]["nodeName"] = "node"
    async with storm(StatefulSetController, seed=seed, weather=weather, objects=[made]) as run:
        order = Order(run, size)
        run.client.observe(order.check)
        await run.pass_time(20)
        await run.clear_up(60)
        order.has_settled = True
        run.weather = weather
        await run.restart()
        for number, step in enumerate(doing):
            await _do(run, step, number)
            await run.pass_time(run.random.choice((0.1, 1, 5)))
        await run.clear_up(180)
        assert order.broken == []
        _assert_done(run, size)


async def _do(run: Storm, step: str, number: int) -> None:
    match step:
        case "image" | "back":
            image = "image:1" if step == "back" else f"image:{number + 2}"
            template = {"spec": {"containers": [{"name": "c", "image": image}]}}
            await run.client.patch(
                STATEFUL_SETS, "db", {"spec": {"template": template}}, namespace=NS, type="strategic"
            )
        case "restart":
            await run.restart()
        case _:
            await run.pass_time(5)


def _assert_done(run: Storm, size: int) -> None:
    wanted = run.harness.get(STATEFUL_SETS, "db")
    status = wanted["status"]
    pods = [pod for pod in run.client.all(PODS) if is_active(pod)]
    assert sorted(map(name_of, pods)) == [f"db-{number}" for number in range(size)]
    assert {labels_of(pod)[POD_LABEL] for pod in pods} == {status["updateRevision"]}
    assert status["currentRevision"] == status["updateRevision"]
    assert [status.get(field) for field in ("replicas", "readyReplicas", "updatedReplicas")] == [size] * 3


def _ordinal(pod: Object) -> int:
    return int(name_of(pod).rpartition("-")[2])
