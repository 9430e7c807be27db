"""A host within this host for the nodes of a user without privileges, where the kernel allows user namespaces.

Without it pods share this host's network and resolver; `Unavailable` says why.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from cloudk8s.controlplane.host.ranges import service_ranges
from cloudk8s.kernel.addresses import outgoing_address
from cloudk8s.network.privileges import may_administer
from cloudk8s.network.rootless.host import RootlessError, RootlessHost
from cloudk8s.network.rootless.uplink import dns_rules
from cloudk8s.settings import ClusterSettings

_SWITCH: Final = "CLOUDK8S_ROOTLESS_NETWORK"
"""Environment variable: `off` has pods share this host's network, whatever the kernel allows."""


def rootless_host(settings: ClusterSettings) -> RootlessHost:
    """The host within, of a cluster; it may or may not live."""
    ranges = (*service_ranges(settings), settings.load_balancer_range)
    return RootlessHost(directory_of(settings.data_dir), settings.host_range, ranges, outgoing_address())


def directory_of(data_dir: Path) -> Path:
    """Where its holder works."""
    return data_dir / "nodes" / "host"


def started_host(settings: ClusterSettings) -> tuple[RootlessHost | None, str]:
    """The host within, started, or why there is none; neither where this process has the privileges itself. Blocks."""
    if may_administer():
        return None, ""
    if os.environ.get(_SWITCH) == "off":
        return None, f"{_SWITCH} is off"
    host = rootless_host(settings)
    try:
        host.ensure()
    except (RootlessError, OSError) as error:
        return None, str(error)
    return host, ""


def dns_sockets(host: RootlessHost) -> Callable[[str, int], tuple[socket.socket, socket.socket]]:
    """Makes the DNS server's sockets on the way out of the host within, and leads all questions there."""

    def make(address: str, port: int) -> tuple[socket.socket, socket.socket]:
        datagram = host.socket("udp", "exit", bind=(host.gateway, port))
        number = datagram.getsockname()[1]
        stream = host.socket("tcp", "exit", bind=(host.gateway, number))
        host.nft("exit", "".join(f"{line}\n" for line in dns_rules(host.gateway, number)))
        return stream, datagram

    return make


async def kubelet_socket(address: str) -> socket.socket:
    """A socket of this host for a node agent within, which the API server reaches."""
    made = await asyncio.to_thread(partial(socket.create_server, (address, 0)))
    made.set_inheritable(True)
    return made
