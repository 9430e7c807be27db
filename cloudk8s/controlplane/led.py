"""Work that only one of many replicas does at a time, in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.leader_election import LeaderElection, LeaderElector
from cloudk8s.client.resources import LEASES
from cloudk8s.controlplane.diagnostics.health import Checks
from cloudk8s.controlplane.signals import run_until_stopped
from cloudk8s.machinery.instruments import Instruments

Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Led:
    """Work, and whose lease has to be held for it; None where it is done in any case."""

    work: Work
    elector: LeaderElector | None = None


async def run_led(*leds: Led) -> None:
    """Do the work until SIGINT or SIGTERM, as `lead` does.

    Raises what `lead` raises: the process should end then, and be started again.
    """
    await run_until_stopped(lead(*leds), name="led work")


async def lead(first: Led, *others: Led) -> None:
    """Do each piece of work while its lease is held, and compete for a lease only while all before it are held.

    So no replica has the first lease for good and another replica the second. Losing any of them ends all of it.
    Raises what the work raises, and LeadershipLost.
    """
    work = partial(_both, first.work, partial(lead, *others)) if others else first.work
    await (work() if first.elector is None else first.elector.run(work))


def tell_of_leadership(events: EventRecorder, election: LeaderElection | None) -> None:
    """Say on the lease who leads."""
    if election is not None:
        lease = {"metadata": {"name": election.name, "namespace": election.namespace}}
        message = f"{election.identity} became leader"
        events.event(lease, "Normal", "LeaderElection", message, resource=LEASES)


def leadership(instruments: Instruments, *leds: Led) -> Checks:
    """What health and metrics tell about the elections, under upstream's names."""
    electors = [led.elector for led in leds if led.elector is not None]
    if not electors:
        return dict
    gauge = instruments.gauge(
        "leader_election_master_status",
        "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. "
        "'name' is the string used to identify the lease. Please make sure to group by name.",
        ("name",),
    )
    gauge.read_from(lambda: {(elector.name,): float(elector.is_leader) for elector in electors})
    return lambda: {"leaderElection": lambda: next(filter(None, (elector.failing() for elector in electors)), "")}


async def _both(*works: Work) -> None:
    """Until one of them ends, by its exception if it has one; the other is cancelled then."""
    running = [asyncio.ensure_future(work()) for work in works]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
    for task in done:
        task.result()
