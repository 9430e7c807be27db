"""Controllers in bad weather: lost answers, late and broken watches, conflicts, and a process that dies and comes back.

The API server, its objects and the kubelet are those of one memory; only what the controllers see is unreliable.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import PODS
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s.testing.unreliable_client import UnreliableClient, Weather
from tests.controllers.harness import Factory, Harness, running

STORMY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
CALM = Weather()
Kubelet = Callable[["Storm", Object], str]
"""What becomes of a pod that runs: its next phase, or empty to leave it."""

seeds = st.integers(0, 2**32)


def weathers(*, may_lose_answers: bool = True) -> st.SearchStrategy[Weather]:
    """From a mild breeze to a storm."""
    share = st.sampled_from((0.0, 0.02, 0.1, 0.3))
    return st.builds(
        Weather,
        refused=share,
        conflicts=share,
        lost=share if may_lose_answers else st.just(0.0),
        broken_watches=share,
        lag=st.sampled_from((0.0, 0.05, 0.5)),
        crash_after=st.sampled_from((0, 1, 2, 3, 5, 8, 13, 40)),
    )


class Storm:
    """One run: what there is, and a kubelet that takes its time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = FakeClock()
        self.client = FakeClient(clock=self.clock, seed=seed)
        self.harness = Harness(self.client, self.clock)
        self.weather = CALM
        self.fate: Kubelet = lambda storm, pod: ""
        self._factories: Sequence[Factory] = ()
        self._options: ControllerSettings | None = None
        self._process: UnreliableClient | None = None
        self._stack = AsyncExitStack()

    async def pass_time(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass: pods change as they like, and dead controllers are started again."""
        for _ in range(max(1, round(seconds / step))):
            await self.clock.advance(step)
            await self._kubelet()
            if self._process is not None and self._process.crashed.is_set():
                await self.restart()

    async def clear_up(self, seconds: float = 120) -> None:
        """From now on nothing goes wrong; long enough for every backoff to end."""
        self.weather = CALM
        await self.restart()
        await self.pass_time(seconds, step=0.5)

    async def restart(self) -> None:
        """The process dies, whatever it was at, and another one starts."""
        await self._stack.aclose()
        await self.start(*self._factories, options=self._options)

    async def start(self, *factories: Factory, options: ControllerSettings | None = None) -> None:
        self._factories, self._options = factories, options
        weather = replace(self.weather, crash_after=self._next_crash())
        self._process = UnreliableClient(self.client, weather, clock=self.clock, seed=self.random.getrandbits(32))
        await self._stack.enter_async_context(
            running(*factories, via=self._process, client=self.client, clock=self.clock, options=options)
        )

    async def stop(self) -> None:
        await self._stack.aclose()

    def _next_crash(self) -> int:
        most = self.weather.crash_after
        return self.random.randint(1, 4 * most) if most else 0

    async def _kubelet(self) -> None:
        for pod in self.client.all(PODS):
            if self.random.random() > 0.4:
                continue
            phase = pod.get("status", {}).get("phase", "Pending")
            if pod["metadata"].get("deletionTimestamp"):
                await self._end(pod, phase)
            elif phase == "Pending":
                await self.harness.set_pod(pod)
            elif phase == "Running" and (fate := self.fate(self, pod)):
                await self.harness.set_pod(pod, phase=fate, ready=False)

    async def _end(self, pod: Object, phase: str) -> None:
        """As a kubelet does: first the last word on how it ended, then it goes; a finalizer may still hold it."""
        if phase in ("Pending", "Running"):
            await self.harness.set_pod(pod, phase=self.random.choice(("Succeeded", "Failed")), ready=False)
        elif pod["metadata"].get("deletionGracePeriodSeconds"):
            await self.harness.end(pod)


@asynccontextmanager
async def storm(
    *factories: Factory,
    seed: int,
    weather: Weather,
    objects: Sequence[Object] = (),
    fate: Kubelet | None = None,
    options: ControllerSettings | None = None,
) -> AsyncIterator[Storm]:
    """Run controllers in this weather, over these objects."""
    run = Storm(seed)
    for obj in objects:
        run.client.add(obj)
    run.weather = weather
    run.fate = fate or run.fate
    await run.start(*factories, options=options)
    try:
        yield run
    finally:
        await run.stop()
