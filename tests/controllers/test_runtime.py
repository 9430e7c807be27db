from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.resources import CONFIG_MAPS, PODS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.registry import Registration
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import Action, FakeClient


class Waiting:
    def __init__(self, context: ControllerContext, resource: object) -> None:
        self.informer = context.informers.of(resource)  # type: ignore[arg-type]
        self.runs = 0

    async def run(self) -> None:
        self.runs += 1
        if self.runs == 1:
            raise RuntimeError("first run fails")
        await asyncio.Event().wait()


async def test_controllers_start_when_synced_and_start_again_when_they_fail(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    client = FakeClient(clock=clock)
    events = EventRecorder(client, "test", clock=clock)
    built: dict[str, Waiting] = {}

    def registration(name: str, resource: object) -> Registration:
        def factory(context: ControllerContext) -> Waiting:
            built[name] = Waiting(context, resource)
            return built[name]

        return Registration(name, factory)

    def refuse(action: Action) -> None:
        if action.resource == PODS:
            raise ServiceUnavailable("down")

    stop = client.on(refuse)
    async with Informers(client, clock=clock) as informers:
        context = ControllerContext(client, informers, events, clock, ClusterSettings(data_dir=Path("/none")))
        registrations = [registration("blocked", PODS), registration("free", CONFIG_MAPS)]
        task = asyncio.create_task(run_controllers(context, registrations))
        await clock.advance(10)
        assert (built["blocked"].runs, built["free"].runs) == (0, 2)
        stop()
        await clock.advance(120)
        assert built["blocked"].runs == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert "free failed, starting it again" in caplog.text


async def test_controllers_start_one_after_another_where_an_interval_is_set() -> None:
    clock, started = FakeClock(), list[str]()
    client = FakeClient(clock=clock)

    class Noting:
        def __init__(self, name: str) -> None:
            self._name = name

        async def run(self) -> None:
            started.append(self._name)
            await asyncio.Event().wait()

    async with Informers(client, clock=clock) as informers:
        context = ControllerContext(
            client, informers, EventRecorder(client, "test", clock=clock), clock,
            ClusterSettings(data_dir=Path("/none")), ControllerSettings(controller_start_interval=timedelta(seconds=5)),
        )  # fmt: skip
        registrations = [Registration(name, lambda _, name=name: Noting(name)) for name in ("a", "b", "c")]  # type: ignore[misc]
        task = asyncio.create_task(run_controllers(context, registrations))
        await clock.advance(4)
        assert started == ["a"]
        await clock.advance(4)
        assert started == ["a", "b"]
        await clock.advance(4)
        assert started == ["a", "b", "c"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
