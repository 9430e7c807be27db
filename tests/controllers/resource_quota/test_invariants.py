"""Quotas in bad weather, against the API server itself: never more than the limit, and in the end what there is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, DeleteOptions, Object, Resource
from cloudk8s.client.objects import name_of, spec_of, status_of
from cloudk8s.client.resources import CONFIG_MAPS, NAMESPACES, PODS, RESOURCE_QUOTAS, SERVICE_ACCOUNTS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.controllers.registry import Registration
from cloudk8s.controllers.resource_quota.controller import ResourceQuotaController
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.background import background
from cloudk8s.errors import Forbidden
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.quantity import Quantity, parse
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.unreliable_client import UnreliableClient, Weather
from tests.controllers.storm import STORMY, seeds, weathers

NS = "work"
HARD = {"pods": "4", "count/configmaps": "3", "requests.cpu": "1"}
steps = st.lists(
    st.sampled_from(("pod", "big pod", "config map", "delete", "end", "many", "restart", "wait")),
    min_size=3,
    max_size=14,
)


@cache
def settings_of_all() -> ClusterSettings:
    """Certificates are made once; what is stored is in memory."""
    return ClusterSettings(data_dir=Path(mkdtemp()), port=0, store="memory://")


class Namespace:
    """One namespace with a quota, and a controller that may die."""

    def __init__(self, client: Client, clock: FakeClock, weather: Weather, seed: int) -> None:
        self.client, self.clock, self.weather = client, clock, weather
        self.random = random.Random(seed)
        self.broken: list[str] = []
        self._made = 0
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Start the controller, or start it again."""
        await self._stack.aclose()
        seen = UnreliableClient(self.client, self.weather, clock=self.clock, seed=self.random.getrandbits(32))
        events = EventRecorder(seen, "test", clock=self.clock)
        informers = Informers(seen, clock=self.clock)
        options = ControllerSettings()
        context = ControllerContext(seen, informers, events, self.clock, settings_of_all(), options)
        loops = run_controllers(context, [Registration("quota", ResourceQuotaController)])
        await self._stack.enter_async_context(informers)
        await self._stack.enter_async_context(background(loops, names=("quota",)))

    async def stop(self) -> None:
        await self._stack.aclose()

    async def pass_time(self, seconds: float, step: float = 0.1) -> None:
        for _ in range(max(1, round(seconds / step))):
            await self.clock.advance(step)
            for _ in range(30):
                await asyncio.sleep(0)
            await self.check()

    async def check(self) -> None:
        quota = await self.client.get(RESOURCE_QUOTAS, "q", namespace=NS)
        for name, used in (status_of(quota).get("used") or {}).items():
            if parse(used) > parse(spec_of(quota)["hard"][name]):
                self.broken.append(f"{name}: {used} used")
        for name, amount in (await self.truth()).items():
            if amount > parse(spec_of(quota)["hard"][name]):
                self.broken.append(f"{name}: {amount} in truth")

    async def truth(self) -> dict[str, Quantity]:
        pods = [pod for pod in (await self.client.list(PODS, namespace=NS)).items if not is_terminal(pod)]
        maps = (await self.client.list(CONFIG_MAPS, namespace=NS)).items
        asked = (pod["spec"]["containers"][0].get("resources", {}).get("requests", {}) for pod in pods)
        cpu = sum((parse(item.get("cpu", "0")) for item in asked), Quantity.of(0))
        return {"pods": Quantity.of(len(pods)), "count/configmaps": Quantity.of(len(maps)), "requests.cpu": cpu}

    async def do(self, step: str) -> None:
        match step:
            case "pod" | "big pod":
                await self._pod("500m" if step == "big pod" else "100m")
            case "config map":
                await self._try_to_create(CONFIG_MAPS, {"metadata": {"name": self._name()}})
            case "many":
                await asyncio.gather(*(self._pod("100m") for _ in range(6)))
            case "delete" | "end":
                await self._lose(step)
            case "restart":
                await self.start()
            case _:
                await self.pass_time(3)

    async def _pod(self, cpu: str) -> None:
        container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
        await self._try_to_create(PODS, {"metadata": {"name": self._name()}, "spec": {"containers": [container]}})

    async def _try_to_create(self, resource: Resource, obj: Object) -> None:
        try:
            await self.client.create(resource, obj, namespace=NS)
        except Forbidden:
            """The quota said no."""

    async def _lose(self, step: str) -> None:
        pods = [pod for pod in (await self.client.list(PODS, namespace=NS)).items if not is_terminal(pod)]
        if not pods:
            return
        name = name_of(self.random.choice(pods))
        if step == "delete":
            await self.client.delete(PODS, name, namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        else:
            patch = {"status": {"phase": "Succeeded"}}
            await self.client.patch(PODS, name, patch, namespace=NS, subresource="status")

    def _name(self) -> str:
        self._made += 1
        return f"x-{self._made}"


@asynccontextmanager
async def namespace(seed: int, weather: Weather) -> AsyncIterator[Namespace]:
    clock = FakeClock()
    async with running_api_server(settings_of_all(), clock=clock) as server:
        client = server.client("system:test", "system:masters")
        await client.create(NAMESPACES, {"metadata": {"name": NS}})
        await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace=NS)
        await client.create(RESOURCE_QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": HARD}}, namespace=NS)
        run = Namespace(client, clock, weather, seed)
        await run.start()
        try:
            yield run
        finally:
            await run.stop()


@settings(STORMY, max_examples=15)
@given(seeds, weathers(), steps)
def test_usage_converges_to_the_truth_and_never_exceeds_the_limit(
    seed: int, weather: Weather, doing: list[str]
) -> None:
    asyncio.run(_use(seed, weather, doing))


async def _use(seed: int, weather: Weather, doing: list[str]) -> None:
    async with namespace(seed, weather) as run:
        await run.pass_time(5, step=0.5)
        for step in doing:
            await run.do(step)
            await run.pass_time(run.random.choice((0.1, 0.3, 2)))
        run.weather = Weather()
        await run.start()
        await run.pass_time(330, step=5)
        assert run.broken == []
        quota = await run.client.get(RESOURCE_QUOTAS, "q", namespace=NS)
        used = {name: parse(amount) for name, amount in status_of(quota)["used"].items()}
        assert used == await run.truth()
