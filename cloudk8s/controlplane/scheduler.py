"""The scheduler: in the API server's process, or as a client of any API server."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.leader_election import LeaderElection, LeaderElector
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.client.resources import PODS
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.component_pages import of_scheduler
from cloudk8s.controlplane.diagnostics.serving import diagnosed
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.controlplane.led import Led, leadership, run_led
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.plugin.manager import Plugins
from cloudk8s.plugin.registries import SchedulerPlugins

if TYPE_CHECKING:
    from cloudk8s.scheduler.configuration.model import LeaderElectionConfiguration, SchedulerConfiguration
    from cloudk8s.scheduler.scheduler import Scheduler

IDENTITY = "system:kube-scheduler"
COMPONENT = "default-scheduler"


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """What `cloudk8s scheduler` was asked for."""

    kubeconfig: Path | None = None
    master: str = ""
    """URL of the API server, in place of the kubeconfig's."""
    config: Path | None = None
    """A KubeSchedulerConfiguration."""
    leader_election: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the configuration's `leaderElection` that win over it."""
    client_connection: Mapping[str, Any] = field(default_factory=dict)
    """The same for its `clientConnection`."""
    pod_max_in_unschedulable_pods_duration: timedelta | None = None
    """After how long a pod is tried again that no event has given a reason to; the queue's default if None."""
    disabled_plugins: Collection[str] = ()
    serving: ServingSettings = field(default_factory=ServingSettings)
    flags: Mapping[str, str] = field(default_factory=dict)
    """What it was started with, for `/flagz`."""


@asynccontextmanager
async def running_scheduler(
    server: RunningApiServer, informers: Informers, *, clock: Clock, config: Path | None = None, port: int = 0
) -> AsyncIterator[None]:
    """Run the scheduler; it shares the informers of the process, and is loaded when the first pod is there.

    With a configuration it is loaded at once, and with a `port`, where health and metrics are then served. Raises
    SettingsError for what is wrong with that.
    """
    client, plugins = server.client(IDENTITY), server.plugins
    if config is None and not port:
        async with background(_load_and_run(client, informers, clock, plugins), names=("scheduler",)):
            yield
        return
    configuration, instruments = read_configuration(config), Instruments()
    assembled = await _assembled(client, informers, clock, configuration, plugins, instruments)
    pods = informers.of(PODS).list
    component = of_scheduler(configuration, pods, lambda: assembled.scheduler.is_synced, instruments)
    pages = diagnosed(component, ServingSettings(secure_port=port), client, clock=clock)
    async with pages, background(assembled.run(), names=("scheduler",)):
        yield


async def run_scheduler(options: SchedulerOptions, *, report: Callable[[str], None]) -> None:
    """Schedule the pods of the cluster that the options name until SIGINT or SIGTERM.

    Raises SettingsError and LeadershipLost.
    """
    clock, configuration, instruments = SystemClock(), configuration_of(options), Instruments()
    how = configuration.client_connection
    connection = load_connection(how.kubeconfig or None, master=options.master)
    settings = NetworkSettings(qps=how.qps, burst=how.burst, user_agent="kube-scheduler")
    client = NetworkClient(connection, settings=settings, clock=clock, instruments=instruments)
    informers = Informers(client, clock=clock)

    async def schedule() -> None:
        async with informers:
            report(f"scheduling for {connection.server}")
            await scheduler.run()

    def is_ready() -> bool:
        return (elector is not None and not elector.is_leader) or scheduler.scheduler.is_synced

    try:
        plugins = Plugins.load(disabled=options.disabled_plugins)
        patience = options.pod_max_in_unschedulable_pods_duration
        scheduler = await _assembled(client, informers, clock, configuration, plugins, instruments, patience)
        election = _election(configuration.leader_election)
        elector = LeaderElector(client, election, clock=clock) if election else None
        scheduling = Led(schedule, elector)
        led = leadership(instruments, scheduling)
        component = of_scheduler(
            configuration, informers.of(PODS).list, is_ready, instruments, led=led, flags=options.flags
        )
        async with diagnosed(component, options.serving, client, clock=clock):
            await run_led(scheduling)
    finally:
        await client.close()


def read_configuration(path: Path | None) -> SchedulerConfiguration:
    """The configuration of a file, or the defaults."""
    from cloudk8s.scheduler.configuration.file import load_configuration
    from cloudk8s.scheduler.configuration.model import SchedulerConfiguration

    return load_configuration(path) if path else SchedulerConfiguration()


def configuration_of(options: SchedulerOptions) -> SchedulerConfiguration:
    """The configuration with what flags say otherwise. Raises SettingsError."""
    found = read_configuration(options.config)
    kubeconfig = {"kubeconfig": str(options.kubeconfig)} if options.kubeconfig else {}
    connection = found.client_connection.model_copy(update={**options.client_connection, **kubeconfig})
    election = found.leader_election.model_copy(update=dict(options.leader_election))
    return found.model_copy(update={"client_connection": connection, "leader_election": election})


@dataclass(frozen=True, slots=True)
class _Assembled:
    """A scheduler, and its events."""

    scheduler: Scheduler
    events: EventRecorder

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.events.run(), name="scheduler events")
            group.create_task(self.scheduler.run(), name="scheduler loop")


async def _load_and_run(client: Client, informers: Informers, clock: Clock, plugins: Plugins) -> None:
    """Load when there is something to schedule: a cluster without pods does without a sixth of its memory."""
    found = asyncio.Event()
    forget = informers.of(PODS).add_handler(lambda old, new: found.set())
    await found.wait()
    forget()
    await (await _assembled(client, informers, clock, None, plugins)).run()


async def _assembled(
    client: Client,
    informers: Informers,
    clock: Clock,
    configuration: SchedulerConfiguration | None,
    plugins: Plugins,
    instruments: Instruments | None = None,
    patience: timedelta | None = None,
) -> _Assembled:
    """Load what is heavy (numpy) off the loop, and put it together."""
    module = await asyncio.to_thread(import_module, "cloudk8s.scheduler.scheduler")
    factories = await asyncio.to_thread(_factories, plugins)
    instance = f"{COMPONENT}-{socket.gethostname()}"
    events = EventRecorder(client, COMPONENT, clock=clock, instance=instance, series=True)
    metrics = module.SchedulerMetrics(instruments or Instruments())
    queueing = {"pod_max_in_unschedulable_pods_duration": patience} if patience else {}
    context = module.SchedulerContext(client, informers, events, clock, metrics=metrics, **queueing)
    scheduler = module.Scheduler(context, configuration or module.DEFAULT_CONFIGURATION, plugins=factories)
    return _Assembled(scheduler, events)


def _election(how: LeaderElectionConfiguration) -> LeaderElection | None:
    if not how.leader_elect:
        return None
    return LeaderElection(
        how.resource_name, f"{socket.gethostname()}_{uuid.uuid4()}", how.resource_namespace,
        how.lease_duration, how.renew_deadline, how.retry_period,
    )  # fmt: skip


def _factories(plugins: Plugins) -> Mapping[str, Any]:
    """Scheduler plugins that other packages bring; a profile has to enable them."""
    return {entry.name: entry.factory for entry in plugins.registry(SchedulerPlugins)}
