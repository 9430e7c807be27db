"""Run a command where a cluster's pods and Services are reached: by addresses on every port, and by names.

As root that is this host, and without root the host within it. In both,
`python -m cloudk8s.controlplane.host.inside FILE COMMAND …` gives the command, and nobody else, a resolver
configuration of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudk8s.controlplane.host.ranges import service_ranges, with_ranges
from cloudk8s.controlplane.host.rootless import rootless_host
from cloudk8s.errors import UserError
from cloudk8s.network.dns.publication import cluster_ip_of
from cloudk8s.network.privileges import may_administer
from cloudk8s.node.runtimes.host.shim import syscalls
from cloudk8s.settings import ClusterSettings

RESOLVER: Final = Path("/etc/resolv.conf")
_RESOLVED: Final = Path("/run/systemd/resolve")
"""Where systemd's resolver listens; programs that find it there ask nobody else."""


def command_inside(name: str, directory: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs a command inside a cluster that runs; UserError where there is no inside. Blocks."""
    settings = with_ranges(ClusterSettings(name=name, data_dir=directory))
    host = rootless_host(settings)
    if not may_administer() and not host.pid:
        raise UserError(
            "pods share this host's network here: run the command as it is; `cloudk8s status` says what is missing"
        )
    file = directory / "resolv.conf"
    file.write_text(_configuration(settings))
    words = [sys.executable, "-m", __name__, str(file), *command]
    return words if may_administer() else host.command(words)


def _configuration(settings: ClusterSettings) -> str:
    """What pods of the namespace `default` have."""
    domain = settings.cluster_domain
    searched = f"search default.svc.{domain} svc.{domain} {domain}"
    return f"{searched}\nnameserver {cluster_ip_of(service_ranges(settings)[0])}\noptions ndots:5\n"


def _resolve_by(file: Path, *, resolver: Path = RESOLVER) -> None:
    """Put a file in the place of the resolver's, for this process and its children."""
    content, target = file.read_bytes(), resolver.resolve()
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", "", syscalls.MS_REC | syscalls.MS_SLAVE)
    if _RESOLVED.is_dir():
        syscalls.mount("tmpfs", str(_RESOLVED), "tmpfs")
    if _RESOLVED in target.parents:
        target.write_bytes(content)
    else:
        syscalls.mount(str(file), str(target), "", syscalls.MS_BIND)


if __name__ == "__main__":
    _resolve_by(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
