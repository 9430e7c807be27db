"""One plugin: what it offers now, from when it registered until it goes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from cloudk8s.drivers.device_plugin import DevicePlugin, PluginOptions
from cloudk8s.drivers.service import DriverError

_log = logging.getLogger(__name__)


class Endpoint:
    """A resource and its devices. A plugin that went leaves its devices behind, none of them healthy."""

    def __init__(self, resource: str, plugin: DevicePlugin | None, options: PluginOptions) -> None:
        self.resource, self.plugin, self.options = resource, plugin, options
        self.devices: Mapping[str, bool] = {}

    @property
    def healthy(self) -> frozenset[str]:
        """The devices that may be handed out."""
        return frozenset(name for name, is_healthy in self.devices.items() if is_healthy)

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Follow the plugin until it goes."""
        assert self.plugin is not None
        try:
            async for devices in self.plugin.devices():
                self.devices = devices
                on_change()
        except DriverError as error:
            _log.info("the device plugin of %s is gone: %s", self.resource, error)
        await self.stop()
        on_change()

    async def stop(self) -> None:
        """The plugin is gone, or another takes its place."""
        self.devices = dict.fromkeys(self.devices, False)
        plugin, self.plugin = self.plugin, None
        if plugin is not None:
            await plugin.close()
