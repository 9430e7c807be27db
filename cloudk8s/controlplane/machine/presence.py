"""Which machines of a control plane are there: each renews a lease, and all say where API and DNS are found.

Upstream's API servers do the same with leases of their own in etcd. A machine that has not renewed for ten seconds is
left out, by the time since others saw it change.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cloudk8s.apiserver.bootstrap.run import publish_addresses
from cloudk8s.apiserver.core import Core
from cloudk8s.client.interface import Client, ListOptions, Object
from cloudk8s.client.objects import annotations_of, name_of, spec_of
from cloudk8s.client.resources import LEASES
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.dns.publication import Publication, publish

NAMESPACE: Final = "kube-system"
LABEL: Final = "cloudk8s.io/control-plane"
ADDRESS: Final = "cloudk8s.io/address"
PREFIX: Final = "cloudk8s-control-plane-"
PERIOD: Final = 3.0
LASTS: Final = 10.0
FORGOTTEN: Final = 600.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sightings:
    """When each lease was last seen to change."""

    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def note(self, leases: Sequence[Object], now: float) -> dict[str, float]:
        """Seconds since each of them changed, by name."""
        known = self._seen
        self._seen = {}
        for lease in leases:
            name, renewed = name_of(lease), str(spec_of(lease).get("renewTime", ""))
            before = known.get(name)
            self._seen[name] = before if before is not None and before[0] == renewed else (renewed, now)
        return {name: now - since for name, (_, since) in self._seen.items()}


class Presence:
    """One machine's part of it."""

    def __init__(
        self, client: Client, core: Core, name: str, publication: Publication, *, port: int, clock: Clock
    ) -> None:
        """`publication` is this machine's DNS, `port` that of its API server."""
        self._client, self._core, self._name = client, core, name
        self._publication, self._port, self._clock = publication, port, clock
        self._sightings = Sightings()
        self._published: tuple[str, ...] = ()

    async def run(self) -> None:
        """Renew, look and tell, until cancelled."""
        while True:
            try:
                await self.step()
            except (CloudK8sError, OSError) as error:
                _log.warning("the control plane does not know its machines at the moment: %s", error)
                self._published = ()
            await self._clock.sleep(PERIOD)

    async def step(self) -> None:
        """Once."""
        await self._renew()
        present = await self._present()
        if present != self._published:
            await publish_addresses(self._core, present, self._port)
            own = self._publication
            await publish(self._client, Publication(own.cluster_ip, own.address, own.port, present))
            self._published = present

    async def _renew(self) -> None:
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._name, "leaseDurationSeconds": int(LASTS), "renewTime": now}
        name = PREFIX + self._name
        try:
            await self._client.patch(LEASES, name, {"spec": spec}, namespace=NAMESPACE)
        except NotFound:
            metadata = {
                "name": name, "namespace": NAMESPACE, "labels": {LABEL: ""},
                "annotations": {ADDRESS: self._publication.address},
            }  # fmt: skip
            await self._client.create(LEASES, {"metadata": metadata, "spec": spec}, namespace=NAMESPACE)

    async def _present(self) -> tuple[str, ...]:
        """Addresses of the machines that renew, this one among them."""
        options = ListOptions(label_selector=LABEL)
        leases = (await self._client.list(LEASES, namespace=NAMESPACE, options=options)).items
        ages = self._sightings.note(leases, self._clock.monotonic())
        for name in (name for name, age in ages.items() if age > FORGOTTEN):
            await self._client.delete(LEASES, name, namespace=NAMESPACE)
        found = {annotations_of(lease).get(ADDRESS, "") for lease in leases if ages[name_of(lease)] <= LASTS} - {""}
        return tuple(sorted({self._publication.address, *found}))
