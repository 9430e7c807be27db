from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.resources import CONFIG_MAPS, PODS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.registry import Registration
from cloudk8s.controllers.runtime import run_controllers
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
