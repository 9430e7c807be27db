"""The scheduler: in the API server's process, or as a client of any API server."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.leader_election import LeaderElection, LeaderElector
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.signals import until_stopped
from cloudk8s.machinery.clock import Clock, SystemClock

IDENTITY = "system:kube-scheduler"
COMPONENT = "default-scheduler"


@asynccontextmanager
async def running_scheduler(server: RunningApiServer, informers: Informers, *, clock: Clock) -> AsyncIterator[None]:
    """Run the scheduler; it shares the informers of the process and loads in the background."""
    client = server.client(IDENTITY)
    async with background(_schedule(client, informers, clock), names=("scheduler",)):
        yield


async def run_scheduler(kubeconfig: Path | None, *, leader_elect: bool, report: Callable[[str], None]) -> None:
    """Schedule the pods of the cluster that `kubeconfig` names until SIGINT or SIGTERM."""
    clock = SystemClock()
    connection = load_connection(kubeconfig)
    client = NetworkClient(connection, settings=NetworkSettings(user_agent="kube-scheduler"), clock=clock)

    async def schedule() -> None:
        async with Informers(client, clock=clock) as informers:
            report(f"scheduling for {connection.server}")
            await _schedule(client, informers, clock)

    try:
        async with background(_led(client, schedule, leader_elect, clock), names=("scheduler",)):
            await until_stopped()
    finally:
        await client.close()


async def _led(client: Client, schedule: Callable[[], Awaitable[None]], leader_elect: bool, clock: Clock) -> None:
    if not leader_elect:
        await schedule()
        return
    election = LeaderElection("kube-scheduler", f"{socket.gethostname()}_{uuid.uuid4()}")
    await LeaderElector(client, election, clock=clock).run(schedule)


async def _schedule(client: Client, informers: Informers, clock: Clock) -> None:
    """Load what is heavy (numpy) off the loop, then run."""
    module = await asyncio.to_thread(import_module, "cloudk8s.scheduler.scheduler")
    instance = f"{COMPONENT}-{socket.gethostname()}"
    events = EventRecorder(client, COMPONENT, clock=clock, instance=instance, series=True)
    scheduler = module.Scheduler(module.SchedulerContext(client, informers, events, clock))
    async with asyncio.TaskGroup() as group:
        group.create_task(events.run(), name="scheduler events")
        group.create_task(scheduler.run(), name="scheduler loop")
