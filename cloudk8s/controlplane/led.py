"""Work that only one of many replicas does at a time, in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cloudk8s.client.leader_election import LeaderElector
from cloudk8s.controlplane.diagnostics.health import Checks
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.machinery.instruments import Instruments


async def run_led(work: Callable[[], Awaitable[None]], elector: LeaderElector | None) -> None:
    """Do `work` until SIGINT or SIGTERM, with an elector only while holding its lease.

    Raises what `work` raises, and LeadershipLost: the process should end then, and be started again.
    """
    running = asyncio.ensure_future(_led(work, elector))
    stopped = asyncio.create_task(until_stopped(), name="signals")
    try:
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, stopped):
            task.cancel()
        await asyncio.gather(running, stopped, return_exceptions=True)


def leadership(elector: LeaderElector | None, instruments: Instruments) -> Checks:
    """What health and metrics tell about the election, under upstream's names."""
    if elector is None:
        return dict
    gauge = instruments.gauge(
        "leader_election_master_status",
        "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. "
        "'name' is the string used to identify the lease. Please make sure to group by name.",
        ("name",),
    )
    gauge.read_from(lambda: {(elector.name,): float(elector.is_leader)})
    return lambda: {"leaderElection": elector.failing}


async def _led(work: Callable[[], Awaitable[None]], elector: LeaderElector | None) -> None:
    if elector is None:
        await work()
    else:
        await elector.run(work)
