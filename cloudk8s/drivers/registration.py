"""How a plugin of a node says that it is there: a socket in `plugins_registry` that answers `GetInfo`.

https://pkg.go.dev/k8s.io/kubelet/pkg/apis/pluginregistration/v1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloudk8s.drivers.codec import Codec
from cloudk8s.drivers.messages import read_table
from cloudk8s.drivers.service import Service

CODEC: Final = Codec(
    read_table("""
    Empty:
    PluginInfo: type=1 name=2 endpoint=3 supported_versions=4:*string
    RegistrationStatus: plugin_registered=1:bool error=2
    """)
)
_SERVICE: Final = "pluginregistration.Registration"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What a plugin says of itself."""

    type: str
    """`CSIPlugin`, `DevicePlugin` or `DRAPlugin`."""
    name: str
    endpoint: str
    """The socket that it does its work on."""
    versions: Sequence[str]


class Registration:
    """One plugin's registration socket. Calls raise DriverError."""

    def __init__(self, path: str) -> None:
        self._path, self._service = path, Service(path, CODEC)

    async def info(self) -> PluginInfo:
        """Who is there."""
        answer = await self._service.call(f"{_SERVICE}/GetInfo", {}, sends="Empty", gets="PluginInfo", timeout=5.0)
        endpoint = answer.get("endpoint") or self._path
        return PluginInfo(answer.get("type", ""), answer.get("name", ""), endpoint, answer["supported_versions"])

    async def notify(self, error: str = "") -> None:
        """Say whether it is registered, and if not, why."""
        status = {"plugin_registered": not error, "error": error}
        where = f"{_SERVICE}/NotifyRegistrationStatus"
        await self._service.call(where, status, sends="RegistrationStatus", gets="Empty", timeout=5.0)

    async def close(self) -> None:
        """Hang up."""
        await self._service.close()
