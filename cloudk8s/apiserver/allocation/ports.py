"""Node ports: counted from the Services, reserved in memory until the write is stored."""

from __future__ import annotations

import random
from collections.abc import Iterator

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.core import Core
from cloudk8s.errors import SettingsError


class Ports:
    """Allocates node ports; the same number may serve TCP and UDP of one Service."""

    def __init__(self, core: Core, text: str) -> None:
        self._core = core
        self.text = text
        self._low, self._high = _parse(text)
        self._reserved: set[int] = set()

    def is_valid(self, port: int) -> bool:
        return self._low <= port <= self._high

    def take(self, port: int) -> bool:
        """Reserve one port; False if it is taken."""
        if port in self._reserved or port in self._used():
            return False
        self._reserved.add(port)
        return True

    def take_any(self) -> int | None:
        """Reserve a free port; None when there is none."""
        taken = self._used() | self._reserved
        for _ in range(32):
            port = random.randint(self._low, self._high)
            if port not in taken:
                self._reserved.add(port)
                return port
        free = next((port for port in range(self._low, self._high + 1) if port not in taken), None)
        if free is not None:
            self._reserved.add(free)
        return free

    def settle(self, port: int) -> None:
        """The write that reserved the port is done, one way or the other."""
        self._reserved.discard(port)

    def _used(self) -> set[int]:
        return {port for service in self._core.all("", "services") for port in node_ports(service)}


def node_ports(service: Object) -> Iterator[int]:
    """Every node port of a Service."""
    spec = service["spec"]
    for port in spec.get("ports") or []:
        if port.get("nodePort"):
            yield port["nodePort"]
    if spec.get("healthCheckNodePort"):
        yield spec["healthCheckNodePort"]


def _parse(text: str) -> tuple[int, int]:
    try:
        low, high = (int(part) for part in text.split("-"))
    except ValueError:
        raise SettingsError(f"{text!r} is not a port range such as 30000-32767") from None
    return low, high
