"""A cluster's API endpoint: an address of the bridge that the kernel leads to the machines of the control plane."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from cloudk8s.errors import CloudError
from cloudk8s.network.hosts.network import HostNetwork
from cloudk8s.network.nftables.command import find_nft


def open(network: HostNetwork, address: str, port: int, targets: Sequence[str]) -> None:
    """Lead there from now on, in place of where it led before."""
    _ip(f"address replace {address}/32 dev {network.bridge}")
    _nft("".join(f"{line}\n" for line in rules(table(network), address, port, targets, network.network)))


def close(network: HostNetwork, address: str) -> None:
    """Undo that; absent is success."""
    _nft(f"add table ip {table(network)}\ndelete table ip {table(network)}\n")
    if Path("/sys/class/net", network.bridge).exists() and address in _ip(f"address show dev {network.bridge}"):
        _ip(f"address del {address}/32 dev {network.bridge}")


def table(network: HostNetwork) -> str:
    """The nftables table of a network's endpoint."""
    return f"{network.table}-api"


def rules(table: str, address: str, port: int, targets: Sequence[str], network: str) -> list[str]:
    """The table as commands. Pure.

    A machine that asks would get its answer past this host, over the bridge, unless it sees this host as the client.
    """
    lines = [f"add table ip {table}", f"delete table ip {table}", f"add table ip {table}"]
    for chain, priority in (("prerouting", -100), ("output", -100), ("postrouting", 100)):
        lines.append(f"add chain ip {table} {chain} {{ type nat hook {chain} priority {priority}; }}")
    if not targets:
        return lines
    places = ", ".join(f"{index} : {target}" for index, target in enumerate(targets))
    for chain in ("prerouting", "output"):
        lead = f"ip daddr {address} tcp dport {port} dnat to numgen random mod {len(targets)} map {{ {places} }}"
        lines.append(f"add rule ip {table} {chain} {lead}")
    asked = f"ip saddr {network} ip daddr {{ {', '.join(sorted(set(targets)))} }} tcp dport {port} ct status dnat"
    return [*lines, f"add rule ip {table} postrouting {asked} masquerade"]


def _nft(text: str) -> None:
    nft = find_nft()
    if nft is None:
        raise CloudError("an endpoint needs nftables: install nft")
    nft.run(text)


def _ip(words: str) -> str:
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, timeout=10)
    if done.returncode:
        raise CloudError(f"`ip {words}` failed: {done.stderr.strip()}")
    return done.stdout
