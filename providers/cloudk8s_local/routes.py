"""The `Routes` contract: entries of the kernel's routing table, marked as ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.plugin import CloudError, CloudNotFound, Failures, NodeRef, Route, RouteCapabilities
from cloudk8s_local.host.host import Host
from cloudk8s_local.host.pool import family_of
from cloudk8s_local.host.records import NodeRecord, RouteRecord


class LocalRoutes:
    """A node that has the host's own address needs no entry: its pods are on a bridge of the host."""

    def __init__(self, host: Host, *, own_addresses: Sequence[str] = (), has_kernel: bool = True) -> None:
        self._host, self._own, self._has_kernel = host, frozenset(own_addresses), has_kernel

    @property
    def capabilities(self) -> RouteCapabilities:
        return RouteCapabilities(batch=50, follows_addresses=True)

    def list(self, nodes: Sequence[NodeRef]) -> Sequence[Route]:
        records, kernel = self._host.records(), self._host.kernel_routes()
        return [
            self._route(record, nodes, records.nodes)
            for record in records.routes.values()
            if self._is_own(record.gateway) or kernel.get(record.destination) == record.gateway
        ]

    def create(self, routes: Sequence[Route]) -> Failures:
        failures: dict[str, CloudError] = {}
        known = self._host.records()
        for route in routes:
            try:
                record = RouteRecord(route.destination, self._gateway(route, known.nodes))
                self._host.set_route(record, is_own=self._is_own(record.gateway))
            except CloudError as error:
                failures[route.key] = error
        return failures

    def delete(self, routes: Sequence[Route]) -> Failures:
        failures: dict[str, CloudError] = {}
        for route in routes:
            try:
                if route.destination in self._host.records().routes:
                    self._host.remove_route(route.destination)
            except CloudError as error:
                failures[route.key] = error
        return failures

    def _is_own(self, address: str) -> bool:
        return address in self._own or not self._has_kernel

    def _route(self, record: RouteRecord, nodes: Sequence[NodeRef], known: Mapping[str, NodeRecord]) -> Route:
        node = next((node for node in nodes if record.gateway in node.addresses_of("InternalIP")), None)
        is_known = any(record.gateway in entry.addresses for entry in known.values())
        return Route(
            record.destination, node.name if node else "", node.provider_id if node else "",
            node.addresses if node else (), is_blackhole=not is_known, id=record.destination,
        )  # fmt: skip

    def _gateway(self, route: Route, known: Mapping[str, NodeRecord]) -> str:
        """The node's address of the route's family; of this host itself any will do, for it needs no route."""
        name, family = route.provider_id.rpartition("/")[2], family_of(route.destination)
        addresses = known[name].addresses if name in known else ()
        fitting = [address for address in addresses if family_of(address) == family]
        if found := [*fitting, *(address for address in addresses if self._is_own(address))]:
            return found[0]
        raise CloudNotFound(f"there is no node {route.provider_id or route.node} with an {family} address on this host")
