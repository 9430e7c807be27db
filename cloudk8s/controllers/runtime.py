"""Run controllers: build them, wait for what they watch, run them, and restart one that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from cloudk8s.client.backoff import Backoff
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.needs import with_work
from cloudk8s.controllers.registry import Registration
from cloudk8s.machinery.clock import Clock

_log = logging.getLogger(__name__)


async def run_controllers(
    context: ControllerContext,
    registrations: Iterable[Registration],
    states: dict[str, str] | None = None,
    *,
    client_of: Callable[[str], Client] | None = None,
) -> None:
    """Run the controllers until cancelled. The informers and the event recorder of `context` run elsewhere.

    One whose resource the server does not have is left out, and a warning says so. The others start each as soon as the
    informers it asked for have synced, whatever the others wait for. `states` tells
    of each that has started why it does not run; nothing while it does. `client_of` gives each controller, by its name,
    a client with an identity of its own; without it all work as that of `context`.
    """
    states = {} if states is None else states
    client_of = client_of or (lambda name: context.client)
    chosen = await with_work(context.client, list(registrations))
    built = [_build(replace(context, client=client_of(each.name)), each) for each in chosen]
    async with asyncio.TaskGroup() as group:
        for number, (name, controller, informers) in enumerate(built):
            if number and context.options.controller_start_interval:
                await context.clock.sleep(context.options.controller_start_interval.total_seconds())
            group.create_task(_run(name, controller, informers, context.clock, states), name=name)


def _build(context: ControllerContext, registration: Registration) -> tuple[str, Controller, Informers]:
    view = context.informers.view()
    return registration.name, registration.factory(replace(context, informers=view)), view


async def _run(name: str, controller: Controller, informers: Informers, clock: Clock, states: dict[str, str]) -> None:
    await informers.synced()
    backoff = Backoff(clock, first=1.0)
    while True:
        states[name] = ""
        try:
            await controller.run()
        except Exception as error:  # noqa: BLE001 - one broken controller must not take the others down
            states[name] = str(error) or type(error).__name__
            _log.exception("%s failed, starting it again", name)
        else:
            states[name] = "it returned"
            _log.error("%s returned, starting it again", name)
        await clock.sleep(backoff.next())
