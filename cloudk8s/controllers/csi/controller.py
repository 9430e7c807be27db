"""The controller: every driver whose controller socket is configured, from when it answers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Final

from cloudk8s.client.resources import CSI_NODES, NODES
from cloudk8s.controllers.csi.attacher import CsiAttacher
from cloudk8s.controllers.csi.provisioner import ControllerDriver, CsiProvisioner
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.volume_provisioning.controller import VolumeProvisioning
from cloudk8s.drivers.csi.driver import CsiDriver, PluginService
from cloudk8s.drivers.service import DriverError

_PROBE_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class CsiController:
    """`settings.csi_endpoints` are the sockets; a driver may come late, and go and come again."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for endpoint in self._context.settings.csi_endpoints:
                group.create_task(self._serve(endpoint), name=f"CSI driver {endpoint}")
            await asyncio.Event().wait()

    async def _serve(self, endpoint: str) -> None:
        calls = CsiDriver(endpoint)
        try:
            driver = await self._driver(calls)
            _log.info("CSI driver %s answers at %s", driver.name, endpoint)
            view = self._context.informers.view()
            context = replace(self._context, informers=view)
            provisioner = CsiProvisioner(driver, context.client, view.of(NODES), view.of(CSI_NODES))
            provisioning = VolumeProvisioning(context, provisioner)
            attacher = CsiAttacher(driver, provisioner, context.client, view, context.clock)
            await view.synced()
            async with asyncio.TaskGroup() as group:
                group.create_task(provisioning.run())
                group.create_task(attacher.run())
        finally:
            await calls.close()

    async def _driver(self, calls: CsiDriver) -> ControllerDriver:
        """Wait until the driver answers, and ask what it can do."""
        while True:
            try:
                if await calls.is_ready():
                    has_topology = PluginService.TOPOLOGY in await calls.services()
                    abilities = await calls.controller_abilities()
                    return ControllerDriver(await calls.name(), calls, abilities, has_topology)
            except DriverError as error:
                _log.debug("a CSI driver is not ready: %s", error)
            await self._context.clock.sleep(_PROBE_SECONDS)
