"""Give a sandbox its network: interfaces from its namespace to the node's bridge, addresses, default routes."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import Any

from cloudk8s.kernel.hardware_addresses import of_holder
from cloudk8s.node.runtimes.host.shim import netlink

INTERFACE = "eth0"


def open_route_socket() -> socket.socket:
    """A socket that keeps speaking for the host's namespace after this process left it."""
    return netlink.open_socket()


def connect(network: dict[str, Any], outside: socket.socket, pid: int) -> None:
    """Make the pod's interface, one end in the bridge that `network` names, the other with a process."""
    if not network:
        return
    first = ipaddress.ip_address(network["addresses"][0]["address"])
    netlink.add_veth(
        outside, network["host_interface"], peer=INTERFACE, peer_pid=pid, peer_address=of_holder(first),
        master=int(network["bridge_index"]), mtu=int(network.get("mtu", 0)),
    )  # fmt: skip
    netlink.reflect(outside, network["host_interface"])


def configure(network: dict[str, Any]) -> None:
    """Bring up, in the pod's namespace, the loopback interface and the pod's own, if it has one."""
    with netlink.open_socket() as inside:
        netlink.set_up(inside, "lo")
        if not network:
            return
        _configure(inside, network["addresses"])
        if network.get("outer_loopback"):
            _reach_loopback_services(inside)


def _configure(inside: socket.socket, addresses: list[dict[str, Any]]) -> None:
    _accept_no_router_advertisements()
    netlink.set_up(inside, INTERFACE)
    index = netlink.link_index(inside, INTERFACE)
    for entry in addresses:
        netlink.add_address(inside, index, ipaddress.ip_address(entry["address"]), int(entry["prefix"]))
    for entry in addresses:
        netlink.add_route(inside, gateway=ipaddress.ip_address(entry["gateway"]), index=index)


def _reach_loopback_services(inside: socket.socket) -> None:
    """Where Services have addresses of 127.0.0.0/8, for all programs of the host, pods reach them by their gateway."""
    for name in ("all", INTERFACE):
        with open(f"/proc/sys/net/ipv4/conf/{name}/route_localnet", "w", encoding="ascii") as file:
            file.write("1")
    netlink.give_loopback_away(inside)


def _accept_no_router_advertisements() -> None:
    path = f"/proc/sys/net/ipv6/conf/{INTERFACE}/accept_ra"
    if os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write("0")
