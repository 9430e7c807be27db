"""What the account asks of the kernel. Every method blocks, and may be repeated after a crash at any point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HostNetworkSpec:
    """A network of machines."""

    id: str
    range: str
    """Its addresses: the first is this host's, the second the endpoint's."""
    inside: tuple[str, ...] = ()
    """Ranges of pods and Services of the cluster: what goes there keeps its address."""

    @property
    def endpoint(self) -> str:
        """Where the cluster's API answers."""
        return str(ip_network(self.range)[2])


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One machine."""

    id: str
    network: HostNetworkSpec
    address: str
    directory: Path | None = None
    """Its own directory, with the script `user-data`; None where nothing runs (tests)."""


class Hosts(Protocol):
    """Networks and machines of this host."""

    @property
    def has_endpoints(self) -> bool:
        """Whether there are endpoints; else clients go to a machine of the control plane."""

    def obstacles(self) -> Sequence[str]:
        """What keeps machines from joining a cluster here, in words; empty is nothing."""

    def new_range(self, taken: Sequence[str], wanted: str) -> str:
        """A range for a network, beside those of others; Unsupported where the wanted one is taken."""

    def make_network(self, network: HostNetworkSpec) -> None: ...

    def has_network(self, network: HostNetworkSpec) -> bool: ...

    def remove_network(self, network: HostNetworkSpec) -> None: ...

    def open_endpoint(self, network: HostNetworkSpec, port: int, targets: Sequence[str]) -> None:
        """Lead the endpoint's port to these machines."""

    def close_endpoint(self, network: HostNetworkSpec) -> None: ...

    def start(self, host: HostSpec) -> None:
        """Make the machine where it is missing, and run its script unless it runs."""

    def is_running(self, host: HostSpec) -> bool: ...

    def stop(self, host: HostSpec) -> None:
        """Power it off: its processes are gone at once, its files stay."""

    def remove(self, host: HostSpec) -> None:
        """End all its processes, take back what its pods had of the host, delete its files."""
