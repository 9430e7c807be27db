"""Looks for sockets of plugins in `plugins_registry`, registers those that come and takes leave of those that go."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cloudk8s.drivers.registration import PluginInfo, Registration
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock

_LOOK_SECONDS: Final = 1.0
_FIRST_RETRY, _LONGEST_RETRY = 1.0, 120.0
_log = logging.getLogger(__name__)


class PluginRefused(CloudK8sError):
    """This node does not take the plugin; the plugin is told why."""


class PluginHandler(Protocol):
    """What is done with one type of plugin."""

    async def register(self, info: PluginInfo) -> None:
        """Take a plugin, which may be known already; raises PluginRefused, or anything that the driver raises."""

    async def deregister(self, info: PluginInfo) -> None:
        """Its socket is gone."""


@dataclass(slots=True)
class _Known:
    """A socket: what it was when it was last tried, and what came of it."""

    identity: tuple[int, int]
    info: PluginInfo | None = None
    wait: float = _FIRST_RETRY
    retry_at: float = 0.0


class PluginWatcher:
    """Looks every second; `handlers` are by the type of plugin."""

    def __init__(self, directory: Path, handlers: Mapping[str, PluginHandler], *, clock: Clock) -> None:
        self._directory, self._handlers, self._clock = directory, handlers, clock
        self._known: dict[Path, _Known] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        await asyncio.to_thread(self._directory.mkdir, mode=0o750, parents=True, exist_ok=True)
        while True:
            await self.look()
            await self._clock.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """One look at the directory."""
        found = _sockets(self._directory)
        for path in [path for path in self._known if path not in found]:
            await self._leave(self._known.pop(path))
        for path, identity in found.items():
            known = self._known.get(path)
            if known is None or known.identity != identity:
                known = self._known[path] = _Known(identity)
            if known.info is None and self._clock.monotonic() >= known.retry_at:
                await self._register(path, known)

    async def _register(self, path: Path, known: _Known) -> None:
        registration = Registration(str(path))
        try:
            info = await registration.info()
            await self._hand_over(registration, info)
            known.info = info
            _log.info("%s %s is registered", info.type, info.name)
        except CloudK8sError as error:
            known.retry_at = self._clock.monotonic() + known.wait
            known.wait = min(known.wait * 2, _LONGEST_RETRY)
            _log.warning("plugin %s is not registered, trying again: %s", path, error)
        finally:
            await registration.close()

    async def _hand_over(self, registration: Registration, info: PluginInfo) -> None:
        try:
            handler = self._handlers.get(info.type)
            if handler is None:
                raise PluginRefused(f"no handler registered for plugin type: {info.type} at socket {info.endpoint}")
            await handler.register(info)
        except CloudK8sError as error:
            await registration.notify(f"RegisterPlugin error -- {error}")
            raise
        await registration.notify()

    async def _leave(self, known: _Known) -> None:
        if known.info is None:
            return
        try:
            await self._handlers[known.info.type].deregister(known.info)
        except CloudK8sError as error:
            _log.warning("%s %s left: %s", known.info.type, known.info.name, error)


def _sockets(directory: Path) -> Mapping[Path, tuple[int, int]]:
    """The sockets below a directory, with what tells a new one of the same name. A few entries at most."""
    found: dict[Path, tuple[int, int]] = {}
    for path in sorted(directory.rglob("*")) if directory.exists() else ():
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISSOCK(status.st_mode) and not path.name.startswith("."):
            found[path] = (status.st_ino, status.st_mtime_ns)
    return found
