"""The directory of certificates and keys, made complete at every start.

File names are kubeadm's. What someone else put there (an own CA, an own serving certificate) is used and left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cloudk8s.apiserver.pki import private_file
from cloudk8s.apiserver.pki.ledger import Ledger, digest_of
from cloudk8s.apiserver.pki.profile import AUTHORITIES, CLIENTS, Profile, serving, serving_hosts
from cloudk8s.errors import SettingsError
from cloudk8s.machinery.clock import Clock, SystemClock

if TYPE_CHECKING:
    from cloudk8s.apiserver.pki.certificate import Authority, Issued


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Paths of a certificate and its key, PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class PKI:
    """Where everything is."""

    directory: Path
    clock: Clock
    profiles: tuple[Profile, ...] = ()
    """What `renew` looks after."""

    def pair(self, file: str) -> KeyPair:
        """The certificate and key of one file name, for instance `scheduler`."""
        return KeyPair(self.directory / f"{file}.crt", self.directory / f"{file}.key")

    @property
    def ca(self) -> KeyPair:
        return self.pair("ca")

    @property
    def serving(self) -> KeyPair:
        return self.pair("apiserver")

    @property
    def admin(self) -> KeyPair:
        return self.pair("admin")

    @property
    def front_proxy_ca(self) -> KeyPair:
        return self.pair("front-proxy-ca")

    @property
    def service_account_key(self) -> Path:
        """The private key that service-account tokens are signed with; `sa.pub` beside it verifies them."""
        return self.directory / "sa.key"

    def renew(self) -> bool:
        """Make anew what expires within two months; True if anything was. It reads and writes files."""
        return _Maker(self.directory, self.clock.now()).make(self.profiles)

    def issue(self, profile: Profile) -> KeyPair:
        """Have one more certificate of this profile; an existing one is kept while it serves."""
        _Maker(self.directory, self.clock.now()).make([profile])
        return self.pair(profile.file)


def ensure(
    data_dir: Path,
    *,
    bind: str = "127.0.0.1",
    service_cluster_ip_range: str = "10.96.0.0/16",
    cluster_domain: str = "cluster.local",
    extra_hosts: Iterable[str] = (),
    clock: Clock | None = None,
) -> PKI:
    """Make what is missing, expires within two months, or was signed by an authority that is no longer there.

    Idempotent, and quick when there is nothing to make. Files are readable by their owner only.
    """
    hosts = serving_hosts(bind=bind, service_cluster_ip_range=service_cluster_ip_range, cluster_domain=cluster_domain)
    profiles = (*AUTHORITIES, serving([*hosts, *extra_hosts]), *CLIENTS)
    pki = PKI(data_dir / "pki", clock or SystemClock(), profiles)
    pki.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki.renew()
    _ensure_service_account_key(pki.directory)
    return pki


class _Maker:
    """Makes the certificates of one directory at one moment."""

    def __init__(self, directory: Path, now: datetime) -> None:
        self._directory = directory
        self._now = now.astimezone(UTC)
        self._ledger = Ledger(directory)
        self._issued: dict[str, Issued] = {}
        self._authorities: dict[str, Authority] = {}

    def make(self, profiles: Iterable[Profile]) -> bool:
        """Make what is not fine, authorities before what they sign; True if anything was made."""
        for profile in profiles:
            if not self._is_fine(profile):
                self._issue(profile)
        if self._issued:
            self._write()
        return bool(self._issued)

    def _is_fine(self, profile: Profile) -> bool:
        certificate, key = self._read(profile.file, "crt"), self._read(profile.file, "key")
        if certificate is None:
            return False
        entry = self._ledger.get(profile.file)
        is_ours = entry is not None and entry.digest == digest_of(certificate)
        if key is None and not is_ours:
            raise SettingsError(f"{self._path(profile.file, 'crt')} has no key beside it: add {profile.file}.key")
        if entry is None or not is_ours:
            return True
        return key is not None and entry.still_serves(profile, self._digest(profile.authority), self._now)

    def _issue(self, profile: Profile) -> None:
        from cloudk8s.apiserver.pki import certificate as x509

        authority = self._authority(profile.authority) if profile.authority else None
        issued = self._issued[profile.file] = x509.issue(profile, authority, self._now)
        digest, not_after = self._digest(profile.authority), x509.not_after(issued.certificate)
        self._ledger.record(profile, issued.certificate, digest, not_after)

    def _write(self) -> None:
        # A certificate is the last to come and the first to go: after a crash in between it is missing, and made anew.
        for file in self._issued:
            self._path(file, "crt").unlink(missing_ok=True)
        self._ledger.save()
        for file, issued in self._issued.items():
            private_file.write(self._path(file, "key"), issued.key)
            private_file.write(self._path(file, "crt"), issued.certificate)

    def _authority(self, file: str) -> Authority:
        from cloudk8s.apiserver.pki import certificate as x509

        if file not in self._authorities:
            certificate, key = self._read(file, "crt"), self._read(file, "key")
            if certificate is None or key is None:
                raise SettingsError(f"{self._path(file, 'crt')} and its key are needed to sign certificates")
            self._authorities[file] = x509.Authority(x509.Issued(certificate, key))
        return self._authorities[file]

    def _digest(self, file: str) -> str:
        return digest_of(self._read(file, "crt") or b"") if file else ""

    def _read(self, file: str, suffix: Literal["crt", "key"]) -> bytes | None:
        if file in self._issued:
            return self._issued[file].certificate if suffix == "crt" else self._issued[file].key
        path = self._path(file, suffix)
        return path.read_bytes() if path.exists() else None

    def _path(self, file: str, suffix: str) -> Path:
        return self._directory / f"{file}.{suffix}"


def _ensure_service_account_key(directory: Path) -> None:
    private, public = directory / "sa.key", directory / "sa.pub"
    if private.exists() and public.exists():
        return
    from cloudk8s.apiserver.pki import certificate as x509

    if not private.exists():
        private_file.write(private, x509.new_key())
    private_file.write(public, x509.public_key(private.read_bytes()))
