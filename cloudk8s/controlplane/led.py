"""Work that only one of many replicas does at a time, in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cloudk8s.client.interface import Client
from cloudk8s.client.leader_election import LeaderElection, LeaderElector
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.machinery.clock import Clock


async def run_led(
    client: Client, work: Callable[[], Awaitable[None]], election: LeaderElection | None, *, clock: Clock
) -> None:
    """Do `work` until SIGINT or SIGTERM, with an election only while holding its lease.

    Raises what `work` raises, and LeadershipLost: the process should end then, and be started again.
    """
    running = asyncio.ensure_future(_led(client, work, election, clock))
    stopped = asyncio.create_task(until_stopped(), name="signals")
    try:
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, stopped):
            task.cancel()
        await asyncio.gather(running, stopped, return_exceptions=True)


async def _led(
    client: Client, work: Callable[[], Awaitable[None]], election: LeaderElection | None, clock: Clock
) -> None:
    if election is None:
        await work()
    else:
        await LeaderElector(client, election, clock=clock).run(work)
