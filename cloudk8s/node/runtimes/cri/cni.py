"""A network configuration for CNI plugins, where nobody else provides one."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from cloudk8s.machinery import codec

FILE = "10-cloudk8s.conflist"


def configuration(cidrs: Sequence[str], *, bridge: str = "cni0") -> dict[str, Any]:
    """A bridge with the node's ranges, and ports of the host."""
    ranges = [[{"subnet": cidr}] for cidr in cidrs]
    default = {4: "0.0.0.0/0", 6: "::/0"}
    routes = [{"dst": default[ip_network(cidr).version]} for cidr in cidrs]
    network = {
        "type": "bridge",
        "bridge": bridge,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": ranges, "routes": routes},
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "cloudk8s", "plugins": [network, ports]}


def write(directory: Path, cidrs: Sequence[str], *, bridge: str = "cni0") -> None:
    """Write it, unless someone else's is there. Blocks."""
    directory.mkdir(parents=True, exist_ok=True)
    others = [
        path for path in directory.iterdir() if path.suffix in (".conf", ".conflist", ".json") and path.name != FILE
    ]
    if not others:
        temporary = directory / f".{FILE}.new"
        temporary.write_bytes(codec.encode(configuration(cidrs, bridge=bridge)))
        temporary.rename(directory / FILE)
