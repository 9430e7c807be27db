"""Run controllers: build them, wait for what they watch, run them, and restart one that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace

from cloudk8s.client.backoff import Backoff
from cloudk8s.client.informer import Informers
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.registry import Registration
from cloudk8s.machinery.clock import Clock

_log = logging.getLogger(__name__)


async def run_controllers(context: ControllerContext, registrations: Iterable[Registration]) -> None:
    """Run the controllers until cancelled. The informers and the event recorder of `context` run elsewhere.

    A controller starts as soon as the informers it asked for have synced, whatever the others wait for.
    """
    built = [_build(context, registration) for registration in registrations]
    async with asyncio.TaskGroup() as group:
        for name, controller, informers in built:
            group.create_task(_run(name, controller, informers, context.clock), name=name)


def _build(context: ControllerContext, registration: Registration) -> tuple[str, Controller, Informers]:
    view = context.informers.view()
    return registration.name, registration.factory(replace(context, informers=view)), view


async def _run(name: str, controller: Controller, informers: Informers, clock: Clock) -> None:
    await informers.synced()
    backoff = Backoff(clock, first=1.0)
    while True:
        try:
            await controller.run()
        except Exception:  # noqa: BLE001 - one broken controller must not take the others down
            _log.exception("%s failed, starting it again", name)
        else:
            _log.error("%s returned, starting it again", name)
        await clock.sleep(backoff.next())
