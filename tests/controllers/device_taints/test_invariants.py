"""Taints that come and go in bad weather: who has to go goes, and nobody else ever does."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of
from cloudk8s.client.resources import PODS, RESOURCE_SLICES
from cloudk8s.controllers.device_taints.controller import DeviceTaintEvictionController
from cloudk8s.machinery import codec
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.unreliable_client import Weather
from tests.controllers.device_taints.test_controller import claim, devices, for_seconds, user
from tests.controllers.storm import STORMY, Storm, seeds, storm, weathers

NAMES = ("a", "b", "c")
"""Devices, each with a pod that tolerates nothing, one that does for a minute, one that does for ever."""


def everything() -> list[Object]:
    objects: list[Object] = [devices(*NAMES)]
    for device in NAMES:
        for kind, toleration in (("never", None), ("minute", for_seconds(60)), ("ever", for_seconds())):
            pod = user(f"{kind}-{device}")
            objects += [pod, claim(name_of(pod), pod, device, *([toleration] if toleration else []))]
    return objects


class Drivers:
    """Taints devices now and then, and remembers since when each has been tainted and which ever were."""

    def __init__(self, run: Storm, random: Random) -> None:
        self.run, self.random = run, random
        self.since: dict[str, float] = {}
        self.ever: set[str] = set()
        self.longest: dict[str, float] = {}

    async def act(self) -> None:
        device = self.random.choice(NAMES)
        now = self.run.clock.monotonic()
        if device in self.since:
            self.longest[device] = max(self.longest.get(device, 0), now - self.since.pop(device))
        else:
            self.since[device] = now
            self.ever.add(device)
        await self.write()

    async def write(self) -> None:
        stamp = self.run.clock.now()
        found = codec.copy(self.run.client.all(RESOURCE_SLICES)[0])
        for each in found["spec"]["devices"]:
            tainted = each["name"] in self.since
            taint = {"key": "broken", "effect": "NoExecute", "timeAdded": format_time(stamp)}
            if tainted and not each.get("taints"):
                each["taints"] = [taint]
            elif not tainted:
                each.pop("taints", None)
        await self.run.client.update(RESOURCE_SLICES, found)


@given(seeds, weathers())
@STORMY
def test_only_pods_of_tainted_devices_go_and_they_all_do(seed: int, weather: Weather) -> None:
    asyncio.run(play(seed, weather))


async def play(seed: int, weather: Weather) -> None:
    async with storm(DeviceTaintEvictionController, seed=seed, weather=weather, objects=everything()) as run:
        drivers = Drivers(run, Random(seed))

        wrong: set[str] = set()

        def nobody_else_goes() -> None:
            for pod in run.client.all(PODS):
                kind, _, device = name_of(pod).partition("-")
                if is_deleting(pod) and (kind == "ever" or device not in drivers.ever):
                    wrong.add(name_of(pod))

        run.client.observe(nobody_else_goes)
        for _ in range(6):
            await drivers.act()
            await run.pass_time(drivers.random.choice((0.5, 5, 20)))
        tainted = set(drivers.since)
        await run.clear_up(180)
        assert not wrong
        left = {name_of(pod) for pod in run.client.all(PODS) if not is_deleting(pod)}
        for device in NAMES:
            assert f"ever-{device}" in left
            if device in tainted:
                assert not {f"never-{device}", f"minute-{device}"} & left
            elif device not in drivers.ever:
                assert {f"never-{device}", f"minute-{device}"} <= left
            elif drivers.longest.get(device, 0) < 60:
                assert f"minute-{device}" in left
