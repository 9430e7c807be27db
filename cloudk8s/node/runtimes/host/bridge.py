"""The node's bridge: pods are on it, the node is their gateway, and what leaves the cluster carries the node's address.

Everything in the kernel is named by the node, so that it can be found and taken away again.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cloudk8s.node.runtimes.host.addresses import Address, Network
from cloudk8s.node.runtimes.host.shim import netlink
from cloudk8s.node.runtimes.interface import RuntimeFailure

_FORWARDING = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")


class Bridge:
    """One bridge of this host."""

    def __init__(self, state_directory: Path, *, mtu: int = 1500) -> None:
        digest = hashlib.sha256(str(state_directory).encode()).hexdigest()
        self.name = f"ck{digest[:8]}"
        self._mtu = mtu
        self._table = f"cloudk8s_{digest[:8]}"
        self.index = 0
        """The interface's index; 0 while there is no bridge."""

    async def set_up(self, gateways: Sequence[tuple[Address, int]], networks: Sequence[Network]) -> None:
        """Make the bridge with its addresses, let packets through, and masquerade what leaves. Idempotent."""
        await asyncio.to_thread(self._set_up, gateways)
        await self._run_nft(self._rules(networks))

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
            netlink.set_up(route, self.name)
            index = netlink.link_index(route, self.name)
            for address, prefix in gateways:
                netlink.add_address(route, index, address, prefix)
        for name in _FORWARDING:
            path = Path("/proc/sys", name)
            if path.exists() and path.read_text().strip() != "1":
                path.write_text("1")
        self.index = index

    def _remove(self) -> None:
        self._delete_link(self.name)
        self.index = 0

    @staticmethod
    def _delete_link(name: str) -> None:
        with netlink.open_socket() as route:
            netlink.delete_link(route, name)

    def _rules(self, networks: Sequence[Network]) -> str:
        lines = [f"table inet {self._table}", f"delete table inet {self._table}", f"table inet {self._table} {{"]
        lines += ["  chain postrouting {", "    type nat hook postrouting priority srcnat; policy accept;"]
        for network in networks:
            family = "ip" if network.version == 4 else "ip6"
            lines.append(f'    {family} saddr {network} oifname != "{self.name}" {family} daddr != {network} '
                         f"fib daddr type != local masquerade")  # fmt: skip
        return "\n".join([*lines, "  }", "}", ""])

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
