"""The loop: Services, their slices and ranges, and the node enter by informers; what changed leaves as one `Update`.

A change costs as much as its Service has endpoints, however many Services there are. Changes that arrive while an
update is carried out go into the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cloudk8s.client.backoff import Backoff
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key, key_of, labels_of, namespace_of
from cloudk8s.client.resources import ENDPOINT_SLICES, NODES, SERVICE_CIDRS, SERVICES
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.tasks import changed_or_slept
from cloudk8s.network.proxy.desired import Desired
from cloudk8s.network.proxy.interface import Forwarder
from cloudk8s.network.proxy.model import HealthCheck, Locality
from cloudk8s.network.proxy.ranges import service_ranges
from cloudk8s.network.proxy.rules import SERVICE_NAME_LABEL

BY_SERVICE = "proxied service"
ZONE_LABEL = "topology.kubernetes.io/zone"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Where the proxy is, and how often it looks without being told."""

    nodes: frozenset[str]
    """Names of the nodes whose pods are local; the first one with a zone gives it."""
    balances: bool = False
    """Traffic to load balancers arrives here first: it is sent to all backends, and keeps its source where it may."""
    check_period: timedelta = timedelta(seconds=30)
    """How often it is verified that what was made is still there."""


class Proxy:
    """Keeps a forwarder in step with the API. `run` it inside the informers it was given."""

    def __init__(
        self, informers: Informers, forwarder: Forwarder, settings: ProxySettings, *, clock: Clock,
        on_health: Callable[[Sequence[HealthCheck]], None] = lambda checks: None,
    ) -> None:  # fmt: skip
        self._forwarder, self._settings, self._clock = forwarder, settings, clock
        self._services = informers.of(SERVICES)
        self._slices = informers.of(ENDPOINT_SLICES)
        self._nodes = informers.of(NODES)
        self._cidrs = informers.of(SERVICE_CIDRS)
        """Not waited for: older servers have none, and older roles of proxies may not read them."""
        self._slices.add_index(BY_SERVICE, _service_of)
        self._desired = Desired(self._look)
        self._on_health = on_health
        self._dirty: set[str] = set()
        self._changed = asyncio.Event()
        self._where = Locality(settings.nodes, balances=settings.balances)
        self._backoff = Backoff(clock, first=0.2)
        self.is_synced = asyncio.Event()
        """Set once everything known at the start is carried out."""
        self.last_success = clock.monotonic()
        self.pending_since: float | None = None
        """Since when a change waits to be carried out."""

    async def run(self) -> None:
        """Forward until cancelled; then nothing that was made is left."""
        await self._forwarder.start()
        stops: list[Callable[[], None]] = []
        try:
            for informer in (self._services, self._slices, self._nodes):
                await informer.synced()
            self._where = self._locate()
            stops = [self._services.add_handler(self._service_changed), self._slices.add_handler(self._slice_changed)]
            stops.append(self._nodes.add_handler(self._node_changed))
            stops.append(self._cidrs.add_handler(self._range_changed))
            self._mark(())
            await self._follow()
        finally:
            for stop in stops:
                stop()
            await self._forwarder.close()

    async def _follow(self) -> None:
        while True:
            if await self._is_quiet():
                await self._inspect()
                continue
            dirty, self._dirty = self._dirty, set()
            self._changed.clear()
            try:
                await self._carry_out(dirty)
            except Exception:  # noqa: BLE001 - whatever went wrong, everything is applied again after a pause
                _log.exception("the service proxy could not carry out a change, everything is applied again")
                self._forget()
                await self._clock.sleep(self._backoff.next())

    async def _is_quiet(self) -> bool:
        """Wait for a change; True if none came in a check period."""
        await changed_or_slept(self._changed, self._clock, self._settings.check_period.total_seconds())
        return not self._changed.is_set()

    async def _inspect(self) -> None:
        """See whether all is still there, and try again what the host could not do."""
        if not await self._forwarder.check():
            _log.warning("what the service proxy had made is gone, everything is applied again")
            self._forget()
        elif self._desired.incomplete:
            self._mark(self._desired.incomplete)

    async def _carry_out(self, dirty: Iterable[str]) -> None:
        update = self._desired.plan(dirty, self._where, service_ranges(self._cidrs.list()))
        if not update.is_empty:
            self._desired.retry(await self._forwarder.apply(update))
        self._on_health(self._desired.checks)
        self.last_success = self._clock.monotonic()
        self.pending_since = self.last_success if self._dirty else None
        self.is_synced.set()

    def _look(self, name: str) -> tuple[Object | None, Sequence[Object]]:
        return self._services.get_key(name), self._slices.by_index(BY_SERVICE, name)

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        self._mark([key_of(new or old or {})])

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        self._mark([name for item in (old, new) if item is not None for name in _service_of(item)])

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if (where := self._locate()) != self._where:
            self._where = where
            self._mark(self._services.keys())

    def _range_changed(self, old: Object | None, new: Object | None) -> None:
        self._mark(())

    def _locate(self) -> Locality:
        found = (self._nodes.get(name) for name in sorted(self._settings.nodes))
        zones = (labels_of(node).get(ZONE_LABEL) for node in found if node is not None)
        zone = next((zone for zone in zones if zone), "")
        return Locality(self._settings.nodes, zone, self._settings.balances)

    def _mark(self, names: Iterable[str]) -> None:
        self._dirty.update(names)
        if self.pending_since is None:
            self.pending_since = self._clock.monotonic()
        self._changed.set()

    def _forget(self) -> None:
        self._desired.forget()
        self._mark(self._services.keys())


def _service_of(item: Object) -> list[str]:
    name = labels_of(item).get(SERVICE_NAME_LABEL)
    return [key(namespace_of(item), name)] if name else []
