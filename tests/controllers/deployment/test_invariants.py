"""Rollouts in bad weather: never too many pods, never too few available, and in the end what was asked for."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from cloudk8s.controllers.deployment.controller import DeploymentController
from cloudk8s.controllers.pods import is_active, is_ready
from cloudk8s.controllers.replica_set import ReplicaSetController
from cloudk8s.machinery.int_or_string import IntOrString, scaled_value
from cloudk8s.testing.unreliable_client import Weather
from tests.controllers.harness import NS, deployment, rolling
from tests.controllers.storm import STORMY, Storm, seeds, storm, weathers

sizes = st.integers(1, 8)
amounts: st.SearchStrategy[IntOrString] = st.one_of(st.integers(0, 4), st.sampled_from(("0%", "25%", "50%", "100%")))
steps = st.lists(st.sampled_from(("image", "back", "restart", "pause", "resume", "wait")), min_size=1, max_size=6)


class Bounds:
    """What the strategy allows; looked at after every change of anything."""

    def __init__(self, run: Storm, made: Object) -> None:
        self._run = run
        size, fields = made["spec"]["replicas"], made["spec"]["strategy"]["rollingUpdate"]
        surge = scaled_value(fields["maxSurge"], size, round_up=True)
        unavailable = scaled_value(fields["maxUnavailable"], size, round_up=False)
        if surge == 0 and unavailable == 0:
            unavailable = 1
        self.most, self.fewest = size + surge, size - min(unavailable, size)
        self.has_settled = False
        self.broken: list[str] = []
        """Noted, not raised: what is raised in a request would be the controller's to handle."""

    def check(self) -> None:
        """Sizes are what a Deployment decides on; a ReplicaSet whose deletions fail may have more for a while."""
        wanted = sum(item["spec"]["replicas"] for item in self._run.client.all(REPLICA_SETS))
        if wanted > self.most:
            self.broken.append(f"{wanted} pods wanted, at most {self.most} allowed")
        pods = [pod for pod in self._run.client.all(PODS) if is_active(pod)]
        ready = sum(map(is_ready, pods))
        if self.has_settled and ready < self.fewest:
            self.broken.append(f"{ready} pods available, at least {self.fewest} demanded")


@STORMY
@given(seeds, weathers(), sizes, amounts, amounts, steps)
def test_a_rollout_keeps_its_bounds_and_ends(
    seed: int, weather: Weather, size: int, surge: IntOrString, unavailable: IntOrString, doing: list[str]
) -> None:
    asyncio.run(_roll(seed, weather, size, surge, unavailable, doing))


async def _roll(
    seed: int, weather: Weather, size: int, surge: IntOrString, unavailable: IntOrString, doing: list[str]
) -> None:
    made = deployment("web", size, strategy=rolling(surge, unavailable))
    made["spec"]["template"]["spec"]["nodeName"] = "node"
    async with storm(DeploymentController, ReplicaSetController, seed=seed, weather=weather, objects=[made]) as run:
        bounds = Bounds(run, made)
        run.client.observe(bounds.check)
        await run.clear_up(60)
        bounds.has_settled = True
        run.weather = weather
        await run.restart()
        for number, step in enumerate(doing):
            await _do(run, step, number)
            await run.pass_time(run.random.choice((0.1, 1, 5)))
        await _patch(run, {"paused": False})
        await run.clear_up()
        _assert_done(run, size)
        assert bounds.broken == []


async def _do(run: Storm, step: str, number: int) -> None:
    match step:
        case "image":
            await _patch(run, _image(f"image:{number + 2}"))
        case "back":
            await _patch(run, _image("image:1"))
        case "restart":
            await run.restart()
        case "pause" | "resume":
            await _patch(run, {"paused": step == "pause"})
        case _:
            await run.pass_time(5)


def _image(image: str) -> Object:
    return {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}


async def _patch(run: Storm, spec: Object) -> None:
    await run.client.patch(DEPLOYMENTS, "web", {"spec": spec}, namespace=NS, type="strategic")


def _assert_done(run: Storm, size: int) -> None:
    wanted = run.harness.get(DEPLOYMENTS, "web")
    image = wanted["spec"]["template"]["spec"]["containers"][0]["image"]
    pods = [pod for pod in run.client.all(PODS) if is_active(pod)]
    assert [pod["spec"]["containers"][0]["image"] for pod in pods] == [image] * size
    status = wanted["status"]
    assert [status.get(field) for field in ("replicas", "updatedReplicas", "availableReplicas")] == [size] * 3
    assert status["observedGeneration"] == wanted["metadata"]["generation"]
