"""ResourceSlices of this node whose drivers have gone: nobody else takes them back, and pods would wait for devices.

As upstream's kubelet does it: all at the start of the agent, when no driver has registered yet, and those of one driver
when it has been gone for a while, so that an update of a driver changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from cloudk8s.client.discovery import discover
from cloudk8s.client.interface import Client, ListOptions
from cloudk8s.client.resources import RESOURCE_SLICES
from cloudk8s.errors import CloudK8sError, Forbidden, NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.waiting import wait_for

PATIENCE: Final = 30.0
"""Seconds that a driver has to come back."""
_RETRY: Final = 5.0
_LONGEST: Final = 3600.0
_ALL: Final = ""
_log = logging.getLogger(__name__)


class AbandonedSlices:
    """Told who comes and goes, deletes what is due while it runs."""

    def __init__(self, client: Client, node_name: str, *, clock: Clock) -> None:
        self._client, self._node_name, self._clock = client, node_name, clock
        self._due: dict[str, float] = {_ALL: clock.monotonic()}
        self._changed = asyncio.Event()

    def came(self, driver: str) -> None:
        """A driver has registered: what it publishes is its own affair."""
        self._due.pop(driver, None)

    def went(self, driver: str) -> None:
        """A driver has gone, perhaps for good."""
        self._due[driver] = self._clock.monotonic() + PATIENCE
        self._changed.set()

    async def run(self) -> None:
        """Delete until cancelled."""
        while True:
            self._changed.clear()
            now = self._clock.monotonic()
            for driver in [driver for driver, due in self._due.items() if due <= now]:
                await self._delete(driver)
            wait = min((due - self._clock.monotonic() for due in self._due.values()), default=_LONGEST)
            await wait_for(self._changed, self._clock, max(0.0, wait))

    async def _delete(self, driver: str) -> None:
        selector = f"spec.nodeName={self._node_name}" + (f",spec.driver={driver}" if driver else "")
        try:
            await self._client.delete_collection(RESOURCE_SLICES, options=ListOptions(field_selector=selector))
        except NotFound:
            _log.debug("the cluster has no ResourceSlices")
        except (CloudK8sError, OSError) as error:
            if not (isinstance(error, Forbidden) and await self._are_unknown()):
                _log.warning("ResourceSlices of %s are not deleted, trying again: %s", driver or "this node", error)
                if driver in self._due:
                    self._due[driver] = self._clock.monotonic() + _RETRY
                return
        self._due.pop(driver, None)

    async def _are_unknown(self) -> bool:
        """Whether the server, being older, has no such objects: it says first that nodes may not have them."""
        try:
            found = await discover(self._client)
        except (CloudK8sError, OSError):
            return False
        group = RESOURCE_SLICES.group
        return group not in found.failed and all(each.resource.group != group for each in found.resources)
