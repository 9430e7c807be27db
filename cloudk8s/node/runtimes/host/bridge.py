"""The node's bridge: pods are on it, the node is their gateway, and what leaves the cluster carries the node's address.

Everything in the kernel is named by the node, so that it can be found and taken away again.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cloudk8s.kernel import hardware_addresses
from cloudk8s.kernel.forwarding import forward
from cloudk8s.node.runtimes.host.addresses import Address, Network
from cloudk8s.node.runtimes.host.bridge_rules import HostPort, rules
from cloudk8s.node.runtimes.host.shim import netlink
from cloudk8s.node.runtimes.interface import RuntimeFailure


class Bridge:
    """One bridge of this host."""

    def __init__(self, state_directory: Path, *, mtu: int = 1500, cluster: Sequence[Network] = ()) -> None:
        digest = hashlib.sha256(str(state_directory).encode()).hexdigest()
        self.name = f"ck{digest[:8]}"
        self._mtu = mtu
        self._table = f"cloudk8s_{digest[:8]}"
        self._networks: Sequence[Network] = ()
        self._cluster = tuple(cluster)
        self._ports: Sequence[HostPort] = ()
        self.index = 0
        """The interface's index; 0 while there is no bridge."""

    async def set_up(self, gateways: Sequence[tuple[Address, int]], networks: Sequence[Network]) -> None:
        """Make the bridge with its addresses, let packets through, and masquerade what leaves. Idempotent."""
        await asyncio.to_thread(self._set_up, gateways)
        self._networks = networks
        await self.set_ports(self._ports)

    async def set_ports(self, ports: Sequence[HostPort]) -> None:
        """Lead these ports of the host to pods, and no others."""
        self._ports = tuple(ports)
        await self._run_nft(rules(self._table, self.name, self._networks, self._ports, self._cluster))

    async def remove(self) -> None:
        """Take bridge and rules away; absent is success."""
        await asyncio.to_thread(self._remove)
        await self._run_nft(f"table inet {self._table}\ndelete table inet {self._table}\n")

    def host_interface(self, sandbox_id: str) -> str:
        """The name of a sandbox's interface on the host's side."""
        return f"veth{sandbox_id[:11]}"

    async def disconnect(self, sandbox_id: str) -> None:
        """Remove a sandbox's interface, which its namespace's end does too, but later."""
        await asyncio.to_thread(self._delete_link, self.host_interface(sandbox_id))

    def _set_up(self, gateways: Sequence[tuple[Address, int]]) -> None:
        with netlink.open_socket() as route:
            netlink.add_bridge(route, self.name, mtu=self._mtu)
            netlink.set_hardware_address(route, self.name, hardware_addresses.of_bridge(self.name))
            netlink.set_up(route, self.name)
            index = netlink.link_index(route, self.name)
            for address, prefix in gateways:
                netlink.add_address(route, index, address, prefix)
        forward(six=any(address.version == 6 for address, _ in gateways))
        loopback = Path("/proc/sys/net/ipv4/conf", self.name, "route_localnet")
        if loopback.read_text().strip() != "1":
            loopback.write_text("1")
        self.index = index

    def _remove(self) -> None:
        self._delete_link(self.name)
        self.index = 0

    @staticmethod
    def _delete_link(name: str) -> None:
        with netlink.open_socket() as route:
            netlink.delete_link(route, name)

    async def _run_nft(self, rules: str) -> None:
        """Apply rules in one transaction. Without nft pods reach one another, but not what lies beyond the node."""
        try:
            process = await asyncio.create_subprocess_exec(
                "nft", "-f", "-", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except FileNotFoundError:
            return
        _, error = await process.communicate(rules.encode())
        if process.returncode != 0:
            raise RuntimeFailure(f"nft refused the pod network's rules: {error.decode(errors='replace').strip()}")
