"""The controllers as clients of any API server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cloudk8s.client.discovery import release_of
from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.leader_election import LeaderElection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.registry import Registration
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.controlplane.component_pages import CONTROLLERS, of_controllers
from cloudk8s.controlplane.controller_clients import ControllerClients
from cloudk8s.controlplane.controller_configuration import ControllerConfiguration
from cloudk8s.controlplane.controller_leases import ControllerLeases
from cloudk8s.controlplane.diagnostics.serving import diagnosed
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.controlplane.extensions import all_controllers
from cloudk8s.controlplane.led import leadership, run_led, tell_of_leadership
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.plugin import Plugins
from cloudk8s.settings import ClusterSettings


@dataclass(frozen=True, slots=True)
class ControllerManagerOptions:
    """Which cluster, as whom, and alone or one of many."""

    kubeconfig: Path | None = None
    master: str = ""
    """URL of the API server, in place of the kubeconfig's."""
    leases: ControllerLeases = field(default_factory=ControllerLeases)
    cluster: ClusterSettings = field(default_factory=lambda: ClusterSettings(data_dir=Path()))
    """The cluster's address ranges; the rest of it is not looked at."""
    controllers: ControllerSettings = field(default_factory=ControllerSettings)
    disabled_plugins: tuple[str, ...] = ()
    use_service_account_credentials: bool = False
    """Whether each controller works as a service account of its own."""
    serving: ServingSettings = field(default_factory=ServingSettings)
    flags: Mapping[str, str] = field(default_factory=dict)
    """What it was started with, for `/flagz`."""
    qps: float = 0.0
    """Requests a second to the API server; 0 leaves it to the server."""
    burst: int = 100

    @property
    def configuration(self) -> ControllerConfiguration:
        """For `/configz`."""
        return ControllerConfiguration(
            self.controllers, self.cluster, self.serving, election=self.leases.main, flags=self.flags, qps=self.qps,
            burst=self.burst, uses_service_account_credentials=self.use_service_account_credentials,
        )  # fmt: skip


async def run_controller_manager(options: ControllerManagerOptions, *, report: Callable[[str], None]) -> None:
    """Run the selected controllers until SIGINT or SIGTERM. Raises LeadershipLost."""
    clock, instruments = SystemClock(), Instruments()
    connection = load_connection(options.kubeconfig, master=options.master)
    settings = options.controllers
    if not settings.root_ca:
        settings = settings.model_copy(update={"root_ca": connection.ca.decode()})
    registrations = all_controllers(Plugins.load(disabled=options.disabled_plugins)).select(settings.controllers)
    asking = NetworkSettings(options.qps, options.burst, user_agent=CONTROLLERS)
    client = NetworkClient(connection, settings=asking, clock=clock, instruments=instruments)

    states: dict[str, str] = {}
    clients = ControllerClients(client, connection, settings=asking, clock=clock, instruments=instruments)
    client_of = clients.of if options.use_service_account_credentials else None

    async def control(registrations: Sequence[Registration], election: LeaderElection | None) -> None:
        cluster = replace(options.cluster, kubernetes_version=await release_of(client))
        events = EventRecorder(client, CONTROLLERS, clock=clock)
        async with Informers(client, clock=clock) as informers, asyncio.TaskGroup() as group:
            context = ControllerContext(client, informers, events, clock, cluster, settings, instruments)
            report(f"controllers run for {connection.server}")
            tell_of_leadership(events, election)
            group.create_task(events.run(), name="events")
            work = run_controllers(context, registrations, states, client_of=client_of)
            group.create_task(work, name="controllers")

    leds = options.leases.led(control, registrations, component=CONTROLLERS, client=client, clock=clock)
    led = leadership(instruments, *leds)
    component = of_controllers(options.configuration, states, instruments, led=led)
    try:
        async with diagnosed(component, options.serving, client, clock=clock):
            await run_led(*leds)
    finally:
        await clients.close()
        await client.close()
