"""Members of etcd as they know each other, and the command line that runs one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from cloudk8s.controlplane.machine.etcd.certificates import Files

CLIENT_PORT: Final = 2379
PEER_PORT: Final = 2380
_QUOTA: Final = 8 << 30


@dataclass(frozen=True, slots=True)
class Member:
    """One member."""

    id: str
    """Decimal, as etcd's JSON has it."""
    name: str
    """Empty until it has started for the first time."""
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    is_learner: bool = False

    @staticmethod
    def of(entry: Mapping[str, Any]) -> Member:
        """From etcd's JSON, which leaves out what is empty."""
        return Member(
            str(entry["ID"]), entry.get("name", ""), tuple(entry.get("peerURLs", ())),
            tuple(entry.get("clientURLs", ())), bool(entry.get("isLearner", False)),
        )  # fmt: skip

    @property
    def address(self) -> str:
        """Where its clients find it, without a port."""
        for url in (*self.client_urls, *self.peer_urls):
            return url.partition("://")[2].rpartition(":")[0].strip("[]")
        return ""


def url(address: str, port: int) -> str:
    """An address as etcd writes it."""
    return f"https://{f'[{address}]' if ':' in address else address}:{port}"


def store_url(files: Files) -> str:
    """The store of an API server: the member on its own machine."""
    parts = {"ca": files.authority, "cert": files.certificate("client"), "key": files.key("client")}
    return f"etcd://127.0.0.1:{CLIENT_PORT}?" + "&".join(f"{key}={quote(str(path))}" for key, path in parts.items())


@dataclass(frozen=True, slots=True)
class Place:
    """One member's own."""

    name: str
    address: str
    data: Path
    files: Files

    @property
    def peer_url(self) -> str:
        return url(self.address, PEER_PORT)

    @property
    def has_joined(self) -> bool:
        """It has been a member before, and knows the others."""
        return (self.data / "member").exists()


def command(place: Place, cluster: str, others: Mapping[str, str], *, is_new: bool) -> list[str]:
    """The command line; `others` are peer URLs by name. Who has joined before is told by its data, not by this."""
    everyone = {**others, place.name: place.peer_url}
    own, files = url(place.address, CLIENT_PORT), place.files
    flags = {
        "name": place.name, "data-dir": str(place.data),
        "listen-client-urls": f"{url('127.0.0.1', CLIENT_PORT)},{own}", "advertise-client-urls": own,
        "listen-peer-urls": place.peer_url, "initial-advertise-peer-urls": place.peer_url,
        "initial-cluster": ",".join(f"{name}={peer}" for name, peer in sorted(everyone.items())),
        "initial-cluster-state": "new" if is_new else "existing", "initial-cluster-token": cluster,
        "client-cert-auth": "true", "trusted-ca-file": str(files.authority),
        "cert-file": str(files.certificate("server")), "key-file": str(files.key("server")),
        "peer-client-cert-auth": "true", "peer-trusted-ca-file": str(files.authority),
        "peer-cert-file": str(files.certificate("peer")), "peer-key-file": str(files.key("peer")),
        "heartbeat-interval": "250", "election-timeout": "2500", "quota-backend-bytes": str(_QUOTA),
    }  # fmt: skip
    return ["etcd", *(f"--{name}={value}" for name, value in flags.items())]
