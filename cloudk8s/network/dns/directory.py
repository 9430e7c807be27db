"""What the DNS server knows of the cluster, by the names it is asked for, and who is told when it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key, key_of, labels_of, name_of, namespace_of, spec_of
from cloudk8s.client.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES

_BY_SERVICE = "dns service"
_BY_ADDRESS = "dns address"
_SERVICE_LABEL = "kubernetes.io/service-name"

Changed = Callable[[str], None]
"""Called with the key of a Service whose answers may be different now; empty for all."""


class Directory:
    """Services, endpoints and namespaces. Look-ups cost no more than what they return."""

    def __init__(self, informers: Informers) -> None:
        self._services = informers.of(SERVICES)
        self._slices = informers.of(ENDPOINT_SLICES)
        self._namespaces = informers.of(NAMESPACES)
        self._slices.add_index(_BY_SERVICE, _service_keys)
        self._services.add_index(_BY_ADDRESS, _cluster_ips)
        self._slices.add_index(_BY_ADDRESS, _endpoint_addresses)
        self.revision = 1
        """Grows with every change."""

    async def synced(self) -> None:
        """Return once everything is known."""
        for informer in (self._services, self._slices, self._namespaces):
            await informer.synced()

    def watch(self, changed: Changed) -> Callable[[], None]:
        """Call for every change; returns how to stop it."""

        def services(old: Object | None, new: Object | None) -> None:
            self._tell(changed, [key_of(new or old or {})])

        def slices(old: Object | None, new: Object | None) -> None:
            self._tell(changed, {name for item in (old, new) if item for name in _service_keys(item)})

        def namespaces(old: Object | None, new: Object | None) -> None:
            if old is None or new is None:
                self._tell(changed, [""])

        stops = [
            self._services.add_handler(services),
            self._slices.add_handler(slices),
            self._namespaces.add_handler(namespaces),
        ]
        return lambda: [stop() for stop in stops].clear()

    def service(self, namespace: str, name: str) -> Object | None:
        return self._services.get(name, namespace)

    def slices(self, namespace: str, name: str) -> Sequence[Object]:
        """The EndpointSlices of a Service."""
        return self._slices.by_index(_BY_SERVICE, key(namespace, name))

    def has_namespace(self, name: str) -> bool:
        return self._namespaces.get(name) is not None

    def service_at(self, address: str) -> Object | None:
        """The Service with this cluster IP."""
        return min(self._services.by_index(_BY_ADDRESS, address), key=key_of, default=None)

    def slices_at(self, address: str) -> Sequence[Object]:
        """The slices with an endpoint of this address."""
        return sorted(self._slices.by_index(_BY_ADDRESS, address), key=key_of)

    def _tell(self, changed: Changed, names: Iterable[str]) -> None:
        self.revision += 1
        for name in names:
            changed(name)


def service_of(item: Object) -> str:
    """The name of a slice's Service; empty if it has none."""
    return labels_of(item).get(_SERVICE_LABEL, "")


def _service_keys(item: Object) -> list[str]:
    name = service_of(item)
    return [key(namespace_of(item), name)] if name else []


def _cluster_ips(service: Object) -> list[str]:
    spec = spec_of(service)
    found = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [_plain(text) for text in found if text and text != "None"]


def _endpoint_addresses(item: Object) -> list[str]:
    if not name_of(item) or item.get("addressType") == "FQDN":
        return []
    return [_plain(text) for endpoint in item.get("endpoints") or () for text in endpoint.get("addresses") or ()]


def _plain(text: str) -> str:
    return str(ip_address(text))
