"""Such a host as this process sees it: started or found again, and asked for sockets. Calls block, but for a moment."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from cloudk8s.errors import CloudK8sError
from cloudk8s.network.nftables.command import NftError
from cloudk8s.network.rootless import enter, holder

Socket = socket.socket
"""By another name, because of the method that makes some."""
Where = Literal["node", "exit"]
Kind = Literal["tcp", "udp", "udp packets", "icmp packets"]
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin"
_SECONDS = 15.0
_BRIDGED = "/proc/sys/net/bridge/bridge-nf-call-iptables /proc/sys/net/bridge/bridge-nf-call-ip6tables"


class RootlessError(CloudK8sError):
    """This host or this user allows no such host; the text says why."""


@dataclass(frozen=True, slots=True)
class RootlessHost:
    """One holder, by the directory that it works in."""

    directory: Path
    network: str
    """Addresses of the way out: the first is this host as seen from within, the eleventh the host within."""
    ranges: tuple[str, ...] = ()
    """Ranges of Services and load balancers."""
    own: str = ""
    """This host's address, which nodes within have too."""

    @property
    def gateway(self) -> str:
        """What stands for this host's loopback address within."""
        return str(ip_network(self.network)[1])

    @property
    def node(self) -> str:
        """Whom connections come from that leave."""
        return str(ip_network(self.network)[10])

    @property
    def pid(self) -> int:
        """The holder's process; 0 where there is none."""
        try:
            record = json.loads((self.directory / holder.RECORD).read_text())
            fields = Path(f"/proc/{record['pid']}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError, KeyError):
            return 0
        return int(record["pid"]) if fields[19] == record["started"] and fields[0] not in "ZX" else 0

    def ensure(self) -> None:
        """Start the holder unless it lives; RootlessError where that is not possible."""
        if self.pid:
            return
        missing = [name for name in ("ip", "nft") if shutil.which(name, path=_PATH) is None]
        if missing:
            raise RootlessError(f"install {' and '.join(missing)} (Debian: iproute2, nftables)")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        length = ip_network(self.network).prefixlen
        words = [str(self.directory), f"{self.gateway}/{length}", self.node, ",".join(self.ranges), self.own]
        words += subordinate_ids()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", holder.__file__, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={"PATH": _PATH},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout, process.stderr:
            if process.stdout.readline() != "ready\n":
                said = process.stderr.read().strip().splitlines()
                process.wait()
                raise RootlessError(said[-1] if said else "the holder of the namespaces ended without a word")

    def remove(self) -> None:
        """End the holder; with it and what runs within the namespaces are gone. Absent is success."""
        if pid := self.pid:
            os.kill(pid, signal.SIGKILL)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that runs a command within."""
        return enter.command(self.pid, arguments)

    def filters_bridged(self) -> bool:
        """Have packets within a bridge pass the tables there; False where this host has no br_netfilter loaded."""
        script = f"for name in {_BRIDGED}; do echo 1 > $name && cat $name || exit 1; done"
        done = subprocess.run(self.command(["sh", "-c", script]), capture_output=True, text=True, timeout=_SECONDS)
        return done.returncode == 0 and set(done.stdout.split()) == {"1"}

    def socket(self, kind: Kind, where: Where = "node", *, bind: tuple[str, int] | None = None) -> socket.socket:
        """A socket of a namespace, bound (and listening, if of TCP) where that is asked for; OSError otherwise."""
        return self._socket({"where": where, "kind": kind} | ({"bind": bind} if bind else {}))

    def _socket(self, request: dict[str, Any]) -> Socket:
        answer, fds = self._ask(request)
        if not fds:
            raise OSError(answer.get("errno") or 5, str(answer.get("error")))
        made = socket.socket(fileno=fds[0])
        made.setblocking(False)
        return made

    def client_socket(self, address: str) -> Socket:
        """A TCP socket that speaks for somebody outside: who is within sees that address, and answers come here."""
        return self._socket({"where": "exit", "kind": "tcp", "source": address})

    def nft(self, where: Where, commands: str) -> str:
        """Run nftables commands in a namespace; NftError if they are refused."""
        answer, _ = self._ask({"where": where, "rules": commands})
        if "error" in answer:
            raise NftError(" ".join(str(answer["error"]).strip().splitlines()[:3]))
        return str(answer["output"])

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SECONDS)
            here = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
            try:
                connection.connect(f"/proc/self/fd/{here}/{holder.SOCKET}")
            finally:
                os.close(here)
            connection.sendall(json.dumps(request).encode())
            connection.shutdown(socket.SHUT_WR)
            data, fds, _, _ = socket.recv_fds(connection, 1 << 20, 4)
            while more := connection.recv(1 << 20):
                data += more
        if not data:
            raise OSError(5, "the holder of the namespaces gave no answer")
        return json.loads(data), list(fds)


def subordinate_ids(uid_file: Path = Path("/etc/subuid"), gid_file: Path = Path("/etc/subgid")) -> list[str]:
    """The users and groups that this user may give files to within, as `FIRST:COUNT`; empty where there are none."""
    if any(shutil.which(name, path=_PATH) is None for name in ("newuidmap", "newgidmap")):
        return ["", ""]
    uid = os.geteuid()
    try:
        names = {str(uid), pwd.getpwuid(uid).pw_name}
    except KeyError:
        names = {str(uid)}
    return [_first_range(path, names) for path in (uid_file, gid_file)]


def _first_range(path: Path, names: set[str]) -> str:
    lines = path.read_text().splitlines() if path.exists() else []
    rows = (line.strip().split(":") for line in lines)
    return next((":".join(row[1:]) for row in rows if len(row) == 3 and row[0] in names), "")


@dataclass(frozen=True, slots=True)
class RootlessNft:
    """nftables of the namespace that pods are in; fulfils `Nft`."""

    host: RootlessHost

    def run(self, commands: str) -> str:
        return self.host.nft("node", commands)
