"""The network that such hosts are on: a bridge with this host as the gateway, and namespaces with a cable each.

Everything is named by the cluster's id, so that all of it can be found again, also after a crash. All calls block, and
are safe to repeat.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

from cloudk8s.errors import CloudK8sError
from cloudk8s.kernel import hardware_addresses
from cloudk8s.kernel.forwarding import forward
from cloudk8s.network.nftables.command import find_nft


class HostNetworkError(CloudK8sError):
    """The kernel refused a part of the network."""


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """The hosts of one cluster."""

    cluster: str
    """The cluster's id."""
    network: str
    """Where the hosts have their addresses; the first one is the gateway's."""
    inside: tuple[str, ...] = ()
    """Ranges of pods and Services: what goes there keeps its address."""
    six: str = ""
    """The same as `network` in IPv6; empty where hosts have IPv4 only."""

    @property
    def bridge(self) -> str:
        return f"ckm{self._digest}"

    @property
    def gateway(self) -> str:
        return str(ip_network(self.network)[1])

    @property
    def table(self) -> str:
        return f"cloudk8s-hosts-{self._digest}"

    def namespace(self, name: str) -> str:
        """The network namespace of a host."""
        return f"ck{self._digest}-{name}"

    @property
    def gateway_six(self) -> str:
        """The gateway's IPv6 address; empty where hosts have none."""
        return str(ip_network(self.six)[1]) if self.six else ""

    def address(self, index: int) -> str:
        """The address of the host with this number, counted from 0."""
        return str(ip_network(self.network)[10 + index])

    def address_six(self, index: int) -> str:
        """Its IPv6 address; empty where hosts have none."""
        return str(ip_network(self.six)[10 + index]) if self.six else ""

    def ensure(self) -> None:
        """Make the bridge, forward, and masquerade what leaves the cluster."""
        if not Path("/sys/class/net", self.bridge).exists():
            _ip(f"link add {self.bridge} type bridge")
        gateways = [text for text in (self.gateway, self.gateway_six) if text]
        _ip(f"link set {self.bridge} address {hardware_addresses.of_bridge(self.bridge).hex(':')}")
        _ip(*(f"address replace {self._with_length(text)} dev {self.bridge}" for text in gateways))
        _ip(f"link set {self.bridge} up")
        forward(six=bool(self.six))
        self._masquerade()

    def add(self, name: str, address: str, six: str = "") -> None:
        """Make a host, or leave the one that is there as it is.

        Where bridged packets pass the tables of this host, one that comes back to its sender leaves as it came.
        """
        namespace, cable = self.namespace(name), self._cable(name)
        if namespace not in _namespaces():
            _ip(f"netns add {namespace}")
        if not Path("/sys/class/net", cable).exists():
            known_by = hardware_addresses.of_holder(ip_address(address)).hex(":")
            _ip(f"link add {cable} type veth peer name eth0 address {known_by} netns {namespace}")
        _ip(f"link set {cable} master {self.bridge}", f"link set {cable} up")
        _ip(f"link set {cable} type bridge_slave hairpin on")
        _ip(
            "link set lo up",
            f"address replace {self._with_length(address)} dev eth0",
            *([f"address replace {self._with_length(six)} dev eth0"] if six else ()),
            "link set eth0 up",
            f"route replace default via {self.gateway}",
            *([f"route replace default via {self.gateway_six}"] if six else ()),
            namespace=namespace,
        )

    def remove(self, name: str) -> None:
        """End the processes of a host and remove it; absent is success.

        Its cable goes first: it would go with the namespace, but some time later, and stand in the way of a new one.
        """
        namespace, cable = self.namespace(name), self._cable(name)
        if namespace in _namespaces():
            _kill(namespace)
        if Path("/sys/class/net", cable).exists():
            _ip(f"link delete {cable}")
        if namespace in _namespaces():
            _ip(f"netns delete {namespace}")

    def names(self) -> Sequence[str]:
        """The hosts there are."""
        prefix = f"ck{self._digest}-"
        return [name.removeprefix(prefix) for name in _namespaces() if name.startswith(prefix)]

    def remove_all(self) -> None:
        """Leave nothing."""
        for name in self.names():
            self.remove(name)
        if Path("/sys/class/net", self.bridge).exists():
            _ip(f"link delete {self.bridge}")
        if (nft := find_nft()) is not None:
            tables = [f"{family} {self.table}" for family in ("ip", "ip6")]
            nft.run("".join(f"add table {table}\ndelete table {table}\n" for table in tables))

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.cluster.encode()).hexdigest()[:8]

    def _cable(self, name: str) -> str:
        return "ckv" + hashlib.sha256(f"{self.cluster}/{name}".encode()).hexdigest()[:11]

    def _masquerade(self) -> None:
        nft = find_nft()
        if nft is None:
            raise HostNetworkError("hosts of their own need nftables: install nft")
        lines = self._masquerading("ip", self.network) + (self._masquerading("ip6", self.six) if self.six else [])
        nft.run("".join(f"{line}\n" for line in lines))

    def _masquerading(self, family: str, network: str) -> list[str]:
        table, is_six = f"{family} {self.table}", family == "ip6"
        ranges = ", ".join([network, *(text for text in self.inside if (":" in text) == is_six)])
        leaves = f"{family} saddr {network} {family} daddr != {{ {ranges} }} fib daddr type != local"
        return [
            f"add table {table}",
            f"delete table {table}",
            f"add table {table}",
            f"add chain {table} postrouting {{ type nat hook postrouting priority 100; }}",
            f"add rule {table} postrouting {leaves} masquerade",
        ]

    def _with_length(self, address: str) -> str:
        """An address with its network's length; IPv6 addresses are good at once, nobody else has them."""
        network = self.six if ":" in address else self.network
        return f"{address}/{ip_network(network).prefixlen}{' nodad' if ':' in address else ''}"


def _kill(namespace: str) -> None:
    """End the processes of a namespace."""
    for pid in _ip(f"netns pids {namespace}").split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue


def _namespaces() -> list[str]:
    directory = Path("/run/netns")
    return [path.name for path in directory.iterdir()] if directory.exists() else []


def _ip(*commands: str, namespace: str = "") -> str:
    """Run `ip` commands, as one batch."""
    if len(commands) == 1 and not namespace:
        words, text = commands[0].split(), ""
    else:
        words, text = [*(["-n", namespace] if namespace else []), "-batch", "-"], "\n".join(commands)
    done = subprocess.run(["ip", *words], input=text, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise HostNetworkError(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout
