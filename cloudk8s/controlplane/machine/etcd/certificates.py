"""Certificates of one member of etcd, all made out of the cluster's seed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cloudk8s.apiserver.pki import private_file
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.controlplane.machine.seed import Seed

AUTHORITY: Final = Profile("etcd/ca", "etcd-ca", authority="")
"""An authority of its own: a certificate of the cluster opens no store."""
_LIFETIME: Final = timedelta(days=3650)
"""Made anew at every start of the machine; a member that runs for years must not stop for it."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where they are."""

    directory: Path

    @property
    def authority(self) -> Path:
        return self.directory / "ca.crt"

    def certificate(self, name: str) -> Path:
        """Of `server`, `peer` or `client`."""
        return self.directory / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.directory / f"{name}.key"


def write(seed: Seed, directory: Path, name: str, address: str, now: datetime) -> Files:
    """Make those of one machine. It gets no key of the authority as a file."""
    from cloudk8s.apiserver.pki import certificate

    files, authority = Files(directory), seed.authority(AUTHORITY)
    hosts = tuple(dict.fromkeys((name, "localhost", "127.0.0.1", address)))
    profiles = {
        "server": Profile("server", name, hosts=hosts, lifetime=_LIFETIME, is_peer=True),
        "peer": Profile("peer", name, hosts=hosts, lifetime=_LIFETIME, is_peer=True),
        "client": Profile("client", f"kube-apiserver-etcd-client:{name}", lifetime=_LIFETIME),
    }
    private_file.write(files.authority, authority.certificate)
    for file, profile in profiles.items():
        issued = certificate.issue(profile, certificate.Authority(authority), now)
        private_file.write(files.key(file), issued.key)
        private_file.write(files.certificate(file), issued.certificate)
    return files


def client_context(files: Files) -> ssl.SSLContext:
    """What a client of any member needs."""
    context = ssl.create_default_context(cafile=str(files.authority))
    context.load_cert_chain(files.certificate("client"), files.key("client"))
    return context
