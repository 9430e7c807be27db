"""What other programs add to a node, put together: storage drivers, devices, and how they are found."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from cloudk8s.client.interface import Client
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.cluster.tokens import TokenManager
from cloudk8s.node.csi.cluster import CsiCluster
from cloudk8s.node.csi.drivers import CsiDrivers
from cloudk8s.node.csi.volumes import CsiVolumes, Layout
from cloudk8s.node.devices.claims import FILE, ResourceClaims
from cloudk8s.node.devices.manager import DeviceManager
from cloudk8s.node.devices.registration import DeviceRegistration
from cloudk8s.node.devices.slices import AbandonedSlices
from cloudk8s.node.plugins.watcher import PluginHandler, PluginWatcher
from cloudk8s.node.settings import NodeSettings

_log = logging.getLogger(__name__)


class NodeExtensions:
    """`on_change` is called when the node's status has to say something else."""

    def __init__(
        self, settings: NodeSettings, client: Client, tokens: TokenManager, *, clock: Clock,
        on_change: Callable[[], None],
    ) -> None:  # fmt: skip
        name = settings.node_name
        self._drivers = CsiDrivers(client, name)
        cluster = CsiCluster(client, tokens, name, clock=clock)
        layout = Layout(settings.root_dir, settings.pods_dir)
        self.csi_volumes = CsiVolumes(layout, self._drivers, cluster, on_use=on_change)
        directory = settings.root_dir / "device-plugins"
        self.devices = DeviceManager(directory, on_change=on_change)
        self._registration = DeviceRegistration(directory, self.devices)
        self._slices = AbandonedSlices(client, name, clock=clock)
        self.claims = ResourceClaims(settings.root_dir / FILE, client, self._slices)
        handlers: Mapping[str, PluginHandler] = {
            "CSIPlugin": self._drivers, "DevicePlugin": self.devices,
            "DRAPlugin": self.claims,
        }  # fmt: skip
        self._watcher = PluginWatcher(settings.root_dir / "plugins_registry", handlers, clock=clock)

    @property
    def volumes_in_use(self) -> Sequence[str]:
        """What must not be detached from this node."""
        return self.csi_volumes.in_use

    async def load(self) -> None:
        """Before the node registers: what an earlier agent left."""
        await self.devices.load()
        await self.claims.load()

    async def prepare(self) -> None:
        """Before pods are looked at; the node is registered."""
        try:
            await self._drivers.introduce()
        except CloudK8sError as error:
            _log.warning("the node's CSINode is not written: %s", error)
        await self.csi_volumes.look_at_use()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watcher.run(), name="plugins")
                group.create_task(self._registration.run(), name="device plugins")
                group.create_task(self._slices.run(), name="abandoned slices")
        finally:
            await self.devices.close()
            await self.claims.close()
            await self._drivers.close()
