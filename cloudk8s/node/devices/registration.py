"""The socket that device plugins register at: `device-plugins/kubelet.sock`.

gRPC is loaded when the first plugin comes: until then a plain socket listens, and what arrives is passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloudk8s.drivers.device_plugin import CODEC, VERSION, DevicePlugin, PluginOptions
from cloudk8s.node.devices.manager import DeviceManager

if TYPE_CHECKING:
    import grpc.aio

SOCKET: Final = "kubelet.sock"
_INNER: Final = ".registration.sock"
_log = logging.getLogger(__name__)


class DeviceRegistration:
    """Listens while it runs. Plugins see the socket come anew after a restart, and register again."""

    def __init__(self, directory: Path, manager: DeviceManager) -> None:
        self._directory, self._manager = directory, manager
        self._short = directory
        """The same directory by a name that no socket's path gets too long with."""
        self._server: grpc.aio.Server | None = None
        self._starting = asyncio.Lock()

    async def run(self) -> None:
        """Listen until cancelled, or not at all where that can't be."""
        await asyncio.to_thread(self._clear)
        descriptor = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        self._short = Path(f"/proc/self/fd/{descriptor}")
        try:
            outer = await asyncio.start_unix_server(self._pass_on, self._short / SOCKET)
            await outer.serve_forever()
        except OSError as error:
            _log.warning("device plugins can't register at %s: %s", self._directory / SOCKET, error)
        finally:
            if self._server is not None:
                await self._server.stop(None)
            os.close(descriptor)

    def _clear(self) -> None:
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        for name in (SOCKET, _INNER):
            (self._directory / name).unlink(missing_ok=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve()
            inner_reader, inner_writer = await asyncio.open_unix_connection(self._short / _INNER)
        except (OSError, ImportError) as error:
            _log.error("a device plugin can't register: %s", error)
            writer.close()
            return
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    async def _serve(self) -> None:
        async with self._starting:
            if self._server is None:
                self._server = await self._start()

    async def _start(self) -> grpc.aio.Server:
        import grpc.aio

        async def register(request: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
            if refusal := await self._register(request):
                await context.abort(grpc.StatusCode.UNKNOWN, refusal)
            return {}

        handler = grpc.unary_unary_rpc_method_handler(
            register,
            request_deserializer=lambda data: CODEC.decode("RegisterRequest", data),
            response_serializer=lambda answer: CODEC.encode("Empty", answer),
        )
        server = grpc.aio.server()
        methods = {"Register": handler}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(f"{VERSION}.Registration", methods),))
        server.add_insecure_port(f"unix://{self._short / _INNER}")
        await server.start()
        return server

    async def _register(self, request: Mapping[str, Any]) -> str:
        """Take a plugin; returns why not."""
        resource, version = request.get("resource_name", ""), request.get("version", "")
        if version != VERSION:
            return f"requested API version {version!r} is not supported by kubelet. Supported version is {VERSION!r}"
        domain, _, name = resource.partition("/")
        if not name or domain == "kubernetes.io" or domain.endswith(".kubernetes.io"):
            return f"the ResourceName {resource!r} is invalid"
        plugin = DevicePlugin(str(self._short / request.get("endpoint", "")))
        await self._manager.add(resource, plugin, PluginOptions.of(request.get("options") or {}))
        return ""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
