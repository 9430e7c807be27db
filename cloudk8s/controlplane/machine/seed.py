"""Everything secret of a cluster, derived from one seed: authorities, keys, tokens.

Whoever has the seed can always make the same again, so nothing has to be passed from machine to machine, kept in a
file or lost with a laptop. Derivation is HMAC-SHA256 over a purpose; one result tells nothing of another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cloudk8s.apiserver.kubeconfig import Access, context_name
from cloudk8s.apiserver.pki import private_file
from cloudk8s.apiserver.pki.profile import AUTHORITIES, Profile

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from cloudk8s.apiserver.pki.certificate import Issued

LENGTH = 32
_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
_LIFETIME = timedelta(days=40 * 365)
"""Authorities of a cluster are good for as long as it can last: they can't be replaced without its seed."""
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of curve P-256: private keys are numbers from 1 to below it."""
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True, repr=False)
class Seed:
    """The root of a cluster's secrets."""

    value: bytes

    @staticmethod
    def new() -> Seed:
        return Seed(secrets.token_bytes(LENGTH))

    def secret(self, purpose: str) -> str:
        """A secret for one purpose, hexadecimal."""
        return self._derive(purpose).hex()

    def authority(self, profile: Profile) -> Issued:
        """A certificate authority: always the same key and certificate, to the byte."""
        from cloudk8s.apiserver.pki import certificate

        lasting = replace(profile, lifetime=_LIFETIME)
        return certificate.issue(lasting, None, _SINCE, key=self._key(f"authority/{profile.file}"))

    def service_account_key(self) -> bytes:
        """The private key that tokens of service accounts are signed with, PEM."""
        from cloudk8s.apiserver.pki import certificate

        return certificate.private_pem(self._key("service-accounts"))

    def rsa_service_account_key(self) -> bytes:
        """The same as an RSA key, for control planes that are not ours; it takes a good part of a second."""
        return _rsa_service_account_key(self.value)

    def pin(self) -> str:
        """What tells the cluster's authority from any other: `sha256:` over its public key."""
        from cryptography.hazmat.primitives import serialization

        public = self._key("authority/ca").public_key()
        encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"sha256:{hashlib.sha256(encoded).hexdigest()}"

    def administrator(self, cluster: str, server: str, now: datetime, lifetime: timedelta) -> Access:
        """An administrator's access to the cluster."""
        from cloudk8s.apiserver.pki import certificate

        authority = self.authority(AUTHORITIES[0])
        profile = Profile("admin", "kubernetes-admin", ("system:masters",), lifetime=lifetime)
        issued = certificate.issue(profile, certificate.Authority(authority), now)
        return Access(context_name(cluster), server, authority.certificate, issued.certificate, issued.key)

    def write(self, directory: Path) -> None:
        """Put authorities and the key of service accounts where an API server looks for them; idempotent."""
        for profile in AUTHORITIES:
            if not (directory / f"{profile.file}.crt").exists():
                issued = self.authority(profile)
                private_file.write(directory / f"{profile.file}.key", issued.key)
                private_file.write(directory / f"{profile.file}.crt", issued.certificate)
        if not (directory / "sa.key").exists():
            private_file.write(directory / "sa.key", self.service_account_key())

    def _key(self, purpose: str) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ec

        number = int.from_bytes(self._derive(f"key/{purpose}/0") + self._derive(f"key/{purpose}/1"))
        return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self.value, purpose.encode(), "sha256")


@lru_cache(maxsize=8)
def _rsa_service_account_key(seed: bytes) -> bytes:
    from cloudk8s.apiserver.pki import certificate
    from cloudk8s.controlplane.machine.rsa_key import rsa_key

    key = rsa_key(lambda name: hmac.digest(seed, f"key/service-accounts/rsa/{name}".encode(), "sha256"))
    return certificate.private_pem(key)


def machine_token(secret: str, name: str) -> str:
    """The bootstrap token of one machine, out of the secret that its user data holds."""
    number = int.from_bytes(hmac.digest(bytes.fromhex(secret), f"token/{name}".encode(), "sha256"))
    letters = ""
    for _ in range(22):
        number, index = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[index]
    return f"{letters[:6]}.{letters[6:]}"
