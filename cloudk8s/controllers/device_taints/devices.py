"""What is known of devices: who publishes them, which claims were given which, and which pods use those claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, namespace_of, spec_of, uid_of
from cloudk8s.client.resources import PODS, RESOURCE_CLAIMS, RESOURCE_SLICES
from cloudk8s.controllers.device_taints.taints import (
    Device,
    Eviction,
    consumers_of,
    devices_of,
    eviction_by,
    pool_key,
    pool_of,
    pools_of,
    taints_in,
)

_BY_CONSUMER: Final = "consumer"
_BY_POOL: Final = "pool"
_BY_UID: Final = "uid"


class Devices:
    """Reads shared caches."""

    def __init__(self, informers: Informers) -> None:
        self.slices = informers.of(RESOURCE_SLICES)
        self.slices.add_index(_BY_POOL, pool_of)
        self.claims = informers.of(RESOURCE_CLAIMS)
        self.claims.add_index(_BY_CONSUMER, consumers_of)
        self.claims.add_index(_BY_POOL, pools_of)
        self.pods = informers.of(PODS)
        self.pods.add_index(_BY_UID, lambda pod: (uid_of(pod),))

    def eviction_of(self, pod: Object, rules: Sequence[Object]) -> Eviction | None:
        """When a pod has to go for taints of its devices, if it has to."""
        if not spec_of(pod).get("nodeName") or is_deleting(pod):
            return None
        found: Eviction | None = None
        for device in self._used_by(pod):
            pool = pool_key(device.get("driver", ""), device.get("pool", ""))
            taints = taints_in(self.slices.by_index(_BY_POOL, pool)).get(device.get("device", ""), ())
            eviction = eviction_by(device, taints, rules)
            found = eviction.and_also(found) if eviction else found
        return found

    def consumers(self, claims: Iterable[Object]) -> Iterator[Object]:
        """Each pod once that one of the claims is reserved for."""
        for uid in {uid for claim in claims for uid in consumers_of(claim)}:
            yield from self.pods.by_index(_BY_UID, uid)

    def claims_from(self, pool: str) -> Sequence[Object]:
        """Claims that were given devices of a pool."""
        return self.claims.by_index(_BY_POOL, pool)

    def allocated(self) -> Iterator[Device]:
        for claim in self.claims.list():
            yield from devices_of(claim)

    def published(self) -> Iterator[Device]:
        for item in self.slices.list():
            spec = spec_of(item)
            pool = (spec.get("pool") or {}).get("name")
            for device in spec.get("devices") or ():
                yield {"driver": spec.get("driver"), "pool": pool, "device": device["name"]}

    def _used_by(self, pod: Object) -> Iterator[Device]:
        for claim in self.claims.by_index(_BY_CONSUMER, uid_of(pod)):
            if namespace_of(claim) == namespace_of(pod):
                yield from devices_of(claim)
