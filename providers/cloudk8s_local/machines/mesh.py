"""Routes between machines: each machine has one to the pods of every other, past this host's own tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cloudk8s_local.account.account import Account
from cloudk8s_local.host.kernel import HostKernel
from cloudk8s_local.machines.namespaces import host_network


class MeshKernel:
    """The tables of all machines of a cluster; addresses are those of the machine that this process is in."""

    def __init__(self, pool: str, account: Account, cluster: str, *, route_ranges: Sequence[str]) -> None:
        self._pool, self._account, self._cluster, self._ranges = pool, account, cluster, route_ranges
        self._own = HostKernel(pool, route_ranges=route_ranges)

    def addresses(self) -> Collection[str]:
        return self._own.addresses()

    def add_address(self, address: str) -> None:
        self._own.add_address(address)

    def remove_address(self, address: str) -> None:
        self._own.remove_address(address)

    def routes(self) -> Mapping[str, str]:
        """Routes that every machine has which needs them."""
        tables = {address: kernel.routes() for address, kernel in self._machines().items()}
        found = {route for table in tables.values() for route in table.items()}
        return {
            destination: gateway
            for destination, gateway in found
            if all(table.get(destination) == gateway for address, table in tables.items() if address != gateway)
        }

    def set_route(self, destination: str, gateway: str) -> None:
        for address, kernel in self._machines().items():
            if address == gateway:
                kernel.remove_route(destination)
            else:
                kernel.set_route(destination, gateway)

    def remove_route(self, destination: str) -> None:
        for kernel in self._machines().values():
            kernel.remove_route(destination)

    def _machines(self) -> Mapping[str, HostKernel]:
        """The tables by the address of their machine."""
        things = self._account.everything()
        hosts = (
            self._account.host(things, thing)
            for thing in things.values()
            if thing.kind == "machine" and thing.cluster == self._cluster and thing.state == "ready"
        )
        return {
            host.address: HostKernel(
                self._pool, route_ranges=self._ranges, namespace=host_network(host.network).namespace(host.id)
            )
            for host in hosts
        }
