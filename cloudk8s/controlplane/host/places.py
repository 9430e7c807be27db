"""Where the nodes of a cluster on this host run: the first on the host itself, others on hosts of their own within it.

Those are network namespaces, which need privileges; without them all nodes share the host's address, and where user
namespaces are allowed one host within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from cloudk8s.controlplane.host.node_names import node_name
from cloudk8s.controlplane.host.ranges import pod_ranges, service_ranges
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.network.hosts.network import HostNetwork
from cloudk8s.network.privileges import may_administer
from cloudk8s.network.rootless.host import RootlessHost
from cloudk8s.settings import ClusterSettings


@dataclass(frozen=True, slots=True)
class Place:
    """A node's name, its addresses, and the network namespace that it is in; none is this host itself."""

    node: str
    address: str
    namespace: str = ""
    within: RootlessHost | None = None
    """The host within this host that the node is on, without privileges."""
    six: str = ""
    """The node's IPv6 address, in a cluster that has such pods."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The node's own addresses, of each family."""
        return tuple(text for text in (self.address, self.six) if text)


def places(settings: ClusterSettings, count: int, within: RootlessHost | None = None) -> list[Place]:
    """Where this many nodes go. Pure but for a look at what this process may do."""
    own, network = outgoing_address(), host_network(settings)
    has_hosts = bool(own) and may_administer()
    gateway = network.gateway_six if count > 1 and has_hosts else ""
    own_six = (outgoing_address(6) or gateway) if network.six else ""
    found = []
    for index in range(count):
        name = node_name(index)
        if index and has_hosts:
            address, six = network.address(index), network.address_six(index)
            found.append(Place(name, address, network.namespace(name), six=six))
        else:
            found.append(Place(name, own or "127.0.0.1", within=within, six="" if within else own_six))
    return found


def make_hosts(settings: ClusterSettings, wanted: Sequence[Place]) -> None:
    """Make the hosts of these places, and remove those of nodes that there are no more. Blocks."""
    within = [place for place in wanted if place.namespace]
    network = host_network(settings)
    for name in network.names() if may_administer() else ():
        if name not in {place.node for place in within}:
            network.remove(name)
    if within:
        network.ensure()
    for place in within:
        network.add(place.node, place.address, place.six)


def remove_hosts(settings: ClusterSettings) -> None:
    """Remove all hosts of a cluster. Blocks."""
    if may_administer():
        host_network(settings).remove_all()


def host_network(settings: ClusterSettings) -> HostNetwork:
    """The network of the cluster's hosts, which is this cluster's alone."""
    inside = (*pod_ranges(settings), *service_ranges(settings))
    has_six = any(":" in text for text in pod_ranges(settings))
    six = range_six(settings.host_range) if has_six else ""
    return HostNetwork(f"{settings.name} {settings.data_dir}", settings.host_range, inside, six)


def range_six(host_range: str) -> str:
    """The hosts' IPv6 addresses follow from their IPv4 ones, so that two clusters have different ones. Pure."""
    digits = ip_network(host_range).network_address.packed.hex()
    return f"fdc8:{digits[:4]}:{digits[4:]}::/64"
