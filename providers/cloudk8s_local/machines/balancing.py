"""Relay connections to the machines of a control plane that answer: `python -m cloudk8s_local.machines.balancing DIR`.

A machine that does not answer takes no new connections, and those that it has are ended, so that clients notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudk8s.machinery.clock import Clock, SystemClock
from cloudk8s.network.proxy.model import Backend
from cloudk8s.network.proxy.userspace.choice import Chooser
from cloudk8s.network.proxy.userspace.doors import Door
from cloudk8s.network.proxy.userspace.tcp import TcpListener

PERIOD: Final = 1.0
TIMEOUT: Final = 2.0
FAILURES: Final = 2
"""Failed checks in a row until a machine gets nothing more; one success brings it back."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The content of the file."""

    address: str
    port: int
    targets: tuple[str, ...]

    @staticmethod
    def read(path: Path) -> Wanted:
        entry = json.loads(path.read_text())
        return Wanted(entry["address"], entry["port"], tuple(entry["targets"]))


class ApiBalancer:
    """One listener, and the machines behind it."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._chooser = Chooser(Door((), ()), clock=clock, is_own=lambda address: False)
        self._listener = TcpListener(self._chooser)

    async def open(self, wanted: Wanted) -> None:
        """Listen; machines count as well until they were asked."""
        self.lead(wanted)
        await self._listener.open(wanted.address, wanted.port)

    async def close(self) -> None:
        await self._listener.close()

    async def look(self, wanted: Wanted) -> None:
        """Ask every machine once, and lead to those that answer."""
        passed = await asyncio.gather(*(answers(target, wanted.port) for target in wanted.targets))
        for target, is_well in zip(wanted.targets, passed, strict=True):
            self._failures[target] = 0 if is_well else self._failures.get(target, 0) + 1
        self.lead(wanted)

    def lead(self, wanted: Wanted) -> None:
        """To those that are well; to all where none is."""
        well = [target for target in wanted.targets if self._failures.get(target, 0) < FAILURES]
        backends = tuple(Backend(target, wanted.port) for target in well or wanted.targets)
        self._chooser.door = Door(backends, backends)
        self._listener.end_all_but(backends)


async def answers(address: str, port: int) -> bool:
    """Whether an API server says that it is ready. Who it is does not matter: clients check that."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_connection(address, port, ssl=context)
            try:
                writer.write(f"GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return False


async def main(directory: Path) -> None:
    """Until SIGTERM."""
    clock, file = SystemClock(), directory / "targets.json"
    balancer = ApiBalancer(clock=clock)
    await balancer.open(Wanted.read(file))
    (directory / "ready").touch()
    while True:
        with contextlib.suppress(FileNotFoundError):  # it is about to be stopped
            await balancer.look(Wanted.read(file))
        await clock.sleep(PERIOD)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
