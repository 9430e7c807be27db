"""Say which Services have node ports that they should not: out of the range, or another's.

Nothing is repaired: the ports that are taken are counted from the Services themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, spec_of
from cloudk8s.client.resources import SERVICES
from cloudk8s.controllers.interface import ControllerContext

PERIOD: Final = 180.0


class NodePortRepair:
    """Looks at all Services every three minutes."""

    def __init__(self, context: ControllerContext) -> None:
        self._clock = context.clock
        self._events = context.events.for_component("portallocator-repair-controller")
        self._range = context.settings.service_node_port_range
        low, _, high = self._range.partition("-")
        self._low, self._high = int(low), int(high)
        self._services = context.informers.of(SERVICES)

    async def run(self) -> None:
        while True:
            self._check()
            await self._clock.sleep(PERIOD)

    def _check(self) -> None:
        owners: dict[tuple[int, str], str] = {}
        oldest_first = sorted(self._services.list(), key=lambda item: item["metadata"].get("creationTimestamp", ""))
        for service in oldest_first:
            for port, protocol in _node_ports(service):
                if not self._low <= port <= self._high:
                    message = f"Port {port} is not within the port range {self._range}; please recreate service"
                    self._events.warning(service, "PortOutOfRange", message)
                elif owners.setdefault((port, protocol), key_of(service)) != key_of(service):
                    message = f"Port {port} was assigned to multiple services; please recreate service"
                    self._events.warning(service, "PortAlreadyAllocated", message)


def _node_ports(service: Object) -> Iterator[tuple[int, str]]:
    for port in spec_of(service).get("ports") or ():
        if port.get("nodePort"):
            yield int(port["nodePort"]), port.get("protocol", "TCP")
    if check := spec_of(service).get("healthCheckNodePort"):
        yield int(check), "TCP"
