"""A network configuration for CNI plugins, where nobody else provides one."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from cloudk8s.kernel.files import write_whole
from cloudk8s.machinery import codec

FILE = "10-cloudk8s.conflist"
USUAL_DIRECTORY = Path("/etc/cni/net.d")


def bridge_name(directory: Path) -> str:
    """The usual one, or one of its own for a runtime that reads another directory: several may be on one host."""
    if directory == USUAL_DIRECTORY:
        return "cni0"
    return f"cni{hashlib.sha256(str(directory).encode()).hexdigest()[:8]}"


def configuration(cidrs: Sequence[str], *, bridge: str) -> dict[str, Any]:
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


def write(directory: Path, cidrs: Sequence[str], *, bridge: str = "") -> None:
    """Write it, unless someone else's is there. Blocks."""
    directory.mkdir(parents=True, exist_ok=True)
    others = [
        path for path in directory.iterdir() if path.suffix in (".conf", ".conflist", ".json") and path.name != FILE
    ]
    if not others:
        found = configuration(cidrs, bridge=bridge or bridge_name(directory))
        write_whole(directory / FILE, codec.encode(found))


def remove(directory: Path) -> None:
    """Take back what `write` made, once no pod uses it. Blocks."""
    path = directory / FILE
    if not path.exists():
        return
    with suppress(ValueError, LookupError):
        bridge = str(codec.decode(path.read_bytes())["plugins"][0]["bridge"])
        subprocess.run(["ip", "link", "delete", bridge], capture_output=True, check=False)
    path.unlink()
