"""One of several machines of a control plane, which keep the cluster's state together in etcd.

Each runs a member of etcd, an API server on it, DNS and a node. Controllers, scheduler and cloud controllers run on
one of them each, by election.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.kubeconfig import Connection
from cloudk8s.client.leader_election import LeaderElection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.cloud.controllers.assembly import SERVICE
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controlplane.api_server import ApiServerOptions, RunningApiServer, running_api_server
from cloudk8s.controlplane.background import background
from cloudk8s.controlplane.clouds import running_clouds
from cloudk8s.controlplane.controllers import IDENTITY, running_controllers
from cloudk8s.controlplane.elected import keep_elected
from cloudk8s.controlplane.loop import settle
from cloudk8s.controlplane.machine.control_plane import (
    CONTROLLERS,
    clouds_of,
    cluster_settings,
    dns_here,
    introduced,
    joined_by,
    network_here,
    node_here,
)
from cloudk8s.controlplane.machine.etcd.certificates import Files, client_context, write
from cloudk8s.controlplane.machine.etcd.joining import Way, running_member
from cloudk8s.controlplane.machine.etcd.member import Place, store_url
from cloudk8s.controlplane.machine.etcd.membership import Etcd
from cloudk8s.controlplane.machine.etcd.roll import NAMESPACE, ROLL, read_roll
from cloudk8s.controlplane.machine.etcd.steward import Steward
from cloudk8s.controlplane.machine.manager import keep_managing
from cloudk8s.controlplane.machine.presence import Presence
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.controlplane.machine.settings import ControlPlaneSettings
from cloudk8s.controlplane.scheduler import running_scheduler
from cloudk8s.controlplane.signals import run_until_stopped
from cloudk8s.errors import CloudK8sError
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.machinery.clock import Clock, SystemClock

DNS_PORT: Final = 10053
"""The same on all machines, so that one EndpointSlice tells of all."""
_IMPATIENT: Final = NetworkSettings(user_agent="cloudk8s-machine", retries=0, timeout=timedelta(seconds=5))


async def run_replicated(settings: ControlPlaneSettings, directory: Path, *, report: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM."""
    await run_until_stopped(_work(settings, directory, SystemClock(), report), name="control plane")


async def _work(
    settings: ControlPlaneSettings, directory: Path, clock: Clock, report: Callable[[str], None]
) -> None:  # fmt: skip
    own, seed = outgoing_address() or "127.0.0.1", Seed(bytes.fromhex(settings.seed))
    await asyncio.to_thread(seed.write, directory / "pki")
    files = await asyncio.to_thread(write, seed, directory / "pki" / "etcd", settings.name, own, clock.now())
    place = Place(settings.name, own, directory / "etcd", files)
    finder = Finder(settings, seed, files, clock)
    way = Way(settings.cluster, settings.is_first, finder.find)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_member(place, way, clock=clock, report=report))
        await _run(settings, directory, place, stack, clock)
        settle()
        report(f"{settings.name} is part of the control plane of {settings.cluster} at {settings.endpoint}")
        await asyncio.Event().wait()


class Finder:
    """Finds the members that there are, by what the cluster's API tells an administrator."""

    def __init__(self, settings: ControlPlaneSettings, seed: Seed, files: Files, clock: Clock) -> None:
        self._settings, self._seed, self._files, self._clock = settings, seed, files, clock

    async def find(self) -> Etcd | None:
        """None where the API does not answer, or knows none yet."""
        if not self._settings.endpoint:
            return None
        try:
            found = await self._roll()
        except (CloudK8sError, OSError):
            return None
        addresses = tuple(entry.address for entry in read_roll(found) if entry.is_healthy and not entry.is_learner)
        return Etcd(addresses, await asyncio.to_thread(client_context, self._files)) if addresses else None

    async def _roll(self) -> dict[str, object]:
        server, now = f"https://{self._settings.endpoint}", self._clock.now()
        access = await asyncio.to_thread(
            self._seed.administrator, self._settings.cluster, server, now, timedelta(hours=1)
        )
        connection = Connection(
            server, ca=access.certificate_authority, certificate=access.client_certificate, key=access.client_key
        )
        client = NetworkClient(connection, settings=_IMPATIENT, clock=self._clock)
        try:
            return await client.get(CONFIG_MAPS, ROLL, namespace=NAMESPACE)
        finally:
            await client.close()


async def _run(
    settings: ControlPlaneSettings, directory: Path, place: Place, stack: AsyncExitStack, clock: Clock
) -> None:
    """Start everything on top of etcd, in the order of what needs what."""
    joined = joined_by(settings)
    cluster = cluster_settings(settings, directory, place.address)
    cluster = replace(cluster, store=store_url(place.files), advertise_address=place.address)
    server = await stack.enter_async_context(running_api_server(cluster, ApiServerOptions(is_alone=False), clock=clock))
    administrator = await introduced(server, settings, place.address)
    informers = await stack.enter_async_context(Informers(administrator, clock=clock))
    publication = await stack.enter_async_context(
        dns_here(informers, settings, place.address, port=DNS_PORT, clock=clock)
    )
    presence = Presence(administrator, server.core, settings.name, publication, port=server.port, clock=clock)
    await presence.step()
    await stack.enter_async_context(background(presence.run(), names=("presence",)))
    proxy = await stack.enter_async_context(network_here(informers, settings, joined, clock=clock))
    elected = Elected(server, settings, directory, place, proxy.health_port, clock)
    await stack.enter_async_context(background(*elected.turns(), names=elected.names))
    await stack.enter_async_context(node_here(server, settings, joined, directory, clock=clock))


class Elected:
    """What runs on one machine at a time; each part has upstream's lease, and may be on another machine."""

    names = ("kube-controller-manager", "kube-scheduler", "cloud-controller-manager", "cluster-manager")

    def __init__(
        self, server: RunningApiServer, settings: ControlPlaneSettings, directory: Path, place: Place,
        health_port: int | None, clock: Clock,
    ) -> None:  # fmt: skip
        self._server, self._settings, self._place, self._clock = server, settings, place, clock
        self._clouds = clouds_of(settings, directory, health_port)
        self._directory = directory
        self._identity = f"{settings.name}_{uuid.uuid4()}"

    def turns(self) -> list[Coroutine[Any, Any, None]]:
        """A loop for each of `names`."""
        works = (self._control, self._schedule, self._serve_clouds, self._manage)
        return [self._turn(name, work) for name, work in zip(self.names, works, strict=True)]

    async def _turn(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        client = self._server.client(f"system:{name}", "system:masters")
        await keep_elected(client, LeaderElection(name, self._identity), work, clock=self._clock)

    async def _control(self) -> None:
        changes = {"allocate_node_cidrs": True}
        context = await asyncio.to_thread(client_context, self._place.files)
        etcd = Etcd((self._place.address,), context)
        client = self._server.client("cloudk8s-machine", "system:masters")
        async with running_controllers(self._server, CONTROLLERS, clock=self._clock, changes=changes):
            await Steward(client, etcd, self._place.address, clock=self._clock).run()

    async def _schedule(self) -> None:
        async with (
            Informers(self._server.client("system:kube-scheduler"), clock=self._clock) as informers,
            running_scheduler(self._server, informers, clock=self._clock),
        ):
            await asyncio.Event().wait()

    async def _serve_clouds(self) -> None:
        if not self._clouds.clouds:
            await asyncio.Event().wait()
        which = ("*",) if self._settings.clouds else (SERVICE,)
        client = self._server.client(IDENTITY, "system:masters")
        events = EventRecorder(client, self.names[2], clock=self._clock)
        async with Informers(client, clock=self._clock) as informers:
            context = ControllerContext(client, informers, events, self._clock, self._server.settings)
            async with running_clouds(self._server, context, self._clouds, controllers=which):
                await asyncio.Event().wait()

    async def _manage(self) -> None:
        await keep_managing(self._settings, self._directory)
        await asyncio.Event().wait()
