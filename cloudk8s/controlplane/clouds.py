"""The cloud controllers: inside the cluster's process, and as clients of any API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.leader_election import LeaderElection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.cloud.controllers.assembly import SERVICE_ACCOUNTS, registrations, selected
from cloudk8s.cloud.directory import close
from cloudk8s.cloud.metrics import PrometheusMetrics
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.registry import Registration
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.component_pages import running
from cloudk8s.controlplane.controller_clients import ControllerClients
from cloudk8s.controlplane.controller_leases import ControllerLeases
from cloudk8s.controlplane.diagnostics.health import Health
from cloudk8s.controlplane.diagnostics.pages import Component
from cloudk8s.controlplane.diagnostics.serving import diagnosed
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.controlplane.led import leadership, run_led, tell_of_leadership
from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.plugin.clouds import CloudsFile, attach_clouds
from cloudk8s.plugin.manager import Plugins
from cloudk8s.settings import ClusterSettings

COMPONENT = "cloud-controller-manager"
IDENTITY = "system:cloud-controller-manager"


@dataclass(frozen=True, slots=True)
class CloudControllerOptions:
    """Which clouds, in which cluster, as whom, and alone or one of many."""

    clouds: CloudsFile
    kubeconfig: Path | None = None
    leases: ControllerLeases = field(default_factory=ControllerLeases)
    controllers: Sequence[str] = ("*",)
    disabled_plugins: Collection[str] = ()
    serving: ServingSettings = field(default_factory=ServingSettings)
    flags: Mapping[str, str] = field(default_factory=dict)
    """What it was started with, for `/flagz`."""
    qps: float = 0.0
    """Requests a second to the API server; 0 leaves it to the server."""
    burst: int = 100
    use_service_account_credentials: bool = False
    """Whether each controller works as a service account of its own."""
    master: str = ""
    """URL of the API server, in place of the kubeconfig's."""


@asynccontextmanager
async def running_clouds(
    server: RunningApiServer, context: ControllerContext, clouds: CloudsFile, *, offline_nodes: Sequence[str] = (),
    controllers: Sequence[str] = ("*",),
) -> AsyncIterator[None]:  # fmt: skip
    """Run the cloud controllers, or those selected, with the informers of `context`.

    `offline_nodes` get an instance each in the emulated accounts.
    """
    plugins = server.plugins
    if offline_nodes:
        await asyncio.to_thread(_make_instances, plugins, clouds, offline_nodes, context.clock)
    client = server.client(IDENTITY, "system:masters")
    events = EventRecorder(client, COMPONENT, clock=context.clock)
    attached = attach_clouds(plugins, clouds.clouds, clouds.controllers, clock=context.clock)
    wanted = selected(registrations(attached, clouds.controllers, clock=context.clock), controllers)
    ours = replace(context, client=client, events=events)
    loops = background(run_controllers(ours, wanted), events.run(), names=("cloud controllers", "cloud events"))
    try:
        async with loops:
            yield
    finally:
        for cloud in attached:
            await asyncio.to_thread(close, cloud)


async def run_cloud_controller_manager(options: CloudControllerOptions, *, report: Callable[[str], None]) -> None:
    """Run the cloud controllers for any cluster until SIGINT or SIGTERM. Raises LeadershipLost."""
    from prometheus_client import CollectorRegistry, generate_latest

    clock, clouds = SystemClock(), options.clouds
    plugins = Plugins.load(disabled=options.disabled_plugins)
    registry, instruments = CollectorRegistry(), Instruments()
    metrics = PrometheusMetrics(registry)
    attached = attach_clouds(plugins, clouds.clouds, clouds.controllers, clock=clock, metrics=metrics)
    found = registrations(attached, clouds.controllers, clock=clock, metrics=metrics)
    wanted = selected(found, options.controllers)
    connection = load_connection(options.kubeconfig, master=options.master)
    asking = NetworkSettings(options.qps, options.burst, user_agent=COMPONENT)
    client = NetworkClient(connection, settings=asking, clock=clock, instruments=instruments)
    states: dict[str, str] = {}
    clients = ControllerClients(
        client, connection, settings=asking, clock=clock, instruments=instruments, accounts=SERVICE_ACCOUNTS
    )
    client_of = clients.of if options.use_service_account_credentials else None

    async def control(wanted: Sequence[Registration], election: LeaderElection | None) -> None:
        events = EventRecorder(client, COMPONENT, clock=clock)
        settings = ClusterSettings(data_dir=Path())
        async with Informers(client, clock=clock) as informers, asyncio.TaskGroup() as group:
            context = ControllerContext(client, informers, events, clock, settings, instruments=instruments)
            names = ", ".join(registration.name for registration in wanted)
            report(f"{names or 'no controllers'} run for {connection.server}")
            tell_of_leadership(events, election)
            group.create_task(events.run(), name="events")
            work = run_controllers(context, wanted, states, client_of=client_of)
            group.create_task(work, name="controllers")

    settings = {"controllers": clouds.controllers.model_dump(mode="json"), "clouds": [e.name for e in clouds.clouds]}
    leds = options.leases.led(control, wanted, component=COMPONENT, client=client, clock=clock)
    led = leadership(instruments, *leds)
    component = Component(
        COMPONENT,
        "cloudcontrollermanager.config.k8s.io",
        lambda: settings,
        Health(healthz=running(led, states), readyz=led),
        instruments,
        options.flags,
        lambda: generate_latest(registry),
    )
    try:
        async with diagnosed(component, options.serving, client, clock=clock):
            await run_led(*leds)
    finally:
        await clients.close()
        await client.close()


def _make_instances(plugins: Plugins, clouds: CloudsFile, nodes: Sequence[str], clock: Clock) -> None:
    entry = clouds.clouds[0]
    cloud = plugins.cloud(entry.name, entry.provider, entry.settings, cluster=clouds.controllers.cluster, clock=clock)
    plugins.make_offline_instances(cloud, nodes)
