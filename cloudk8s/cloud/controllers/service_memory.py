"""What the service controller remembers of each load balancer; all of it can be read again from the clouds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, uid_of
from cloudk8s.cloud.controllers.service_nodes import Selector
from cloudk8s.cloud.model.load_balancer import LoadBalancerStatus


@dataclass(slots=True)
class Balanced:
    """One Service with a load balancer, by its object's UID."""

    service: Object
    cloud: str
    digest: str = ""
    """Of the request that was last ensured in full; empty asks for doing so."""
    targets: str = ""
    status: LoadBalancerStatus = field(default_factory=LoadBalancerStatus)
    ensured_at: float = 0.0
    announced: str = ""
    """Digest for which "ensuring" was said."""
    confirmed: str = ""
    """Digest for which "ensured" was said."""
    selector: Selector = field(default_factory=dict)
    to_pods: bool = False
    members: object = None
    """The very tuples that were last synced: the same ones again need no look."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during calls: no two calls for one Service at a time, whichever clouds they go to."""

    @property
    def uid(self) -> str:
        return uid_of(self.service)


class ServiceMemory:
    """The load balancers of this process, by `namespace/name`."""

    def __init__(self) -> None:
        self._entries: dict[str, Balanced] = {}

    def get(self, key: str) -> Balanced | None:
        return self._entries.get(key)

    def remember(self, service: Object, cloud: str) -> Balanced:
        """The entry of this very object in this cloud, a new one where there is none; the lock is the object's."""
        key = key_of(service)
        entry = self._entries.get(key)
        if entry is None or entry.uid != uid_of(service):
            entry = self._entries[key] = Balanced(service, cloud)
        elif entry.cloud != cloud:
            entry = self._entries[key] = Balanced(service, cloud, lock=entry.lock)
        entry.service = service
        return entry

    def knows(self, entry: Balanced) -> bool:
        """Whether an entry is still the one of its name: its object is not gone, and has not moved elsewhere."""
        return self._entries.get(key_of(entry.service)) is entry

    def forget(self, key: str) -> None:
        self._entries.pop(key, None)

    def __iter__(self) -> Iterator[Balanced]:
        return iter(list(self._entries.values()))

    def label_keys(self) -> frozenset[str]:
        """The node labels that any Service selects by."""
        return frozenset(key for entry in self._entries.values() for key in entry.selector)
