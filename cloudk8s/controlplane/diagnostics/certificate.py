"""The certificate that a component serves with: given, or made at start and signed by itself. Everything blocks."""

from __future__ import annotations

import socket
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloudk8s.apiserver.http import tls
from cloudk8s.apiserver.pki import private_file
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.controlplane.diagnostics.settings import ServingSettings
from cloudk8s.controlplane.diagnostics.tls_choice import choose
from cloudk8s.errors import SettingsError

if TYPE_CHECKING:
    from cloudk8s.apiserver.pki.certificate import Issued

_LEFT: Final = timedelta(days=60)
"""A kept certificate with less of its life left is made anew."""
_ALL: Final = frozenset({"", "0.0.0.0", "::"})


def context(component: str, settings: ServingSettings) -> ssl.SSLContext:
    """The listener's TLS context. Raises SettingsError."""
    made = _context(component, settings)
    choose(made, settings.tls_min_version, settings.tls_cipher_suites)
    return made


def _context(component: str, settings: ServingSettings) -> ssl.SSLContext:
    certificate, key = settings.tls_cert_file, settings.tls_private_key_file
    if (certificate is None) != (key is None):
        raise SettingsError("--tls-cert-file and --tls-private-key-file go together")
    try:
        if certificate is not None and key is not None:
            return tls.server_context(certificate, key, client_ca=settings.client_ca_file)
        if settings.cert_dir is not None:
            return tls.server_context(*_kept(component, settings), client_ca=settings.client_ca_file)
        with tempfile.TemporaryDirectory() as directory:
            made = _written(Path(directory), component, _make(component, settings.bind_address))
            return tls.server_context(*made, client_ca=settings.client_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"cannot serve with this certificate, key or authority: {error}") from error


def _kept(component: str, settings: ServingSettings) -> tuple[Path, Path]:
    """The pair in the directory; made if it is not there or nears its end."""
    from cloudk8s.apiserver.pki.certificate import not_after

    assert settings.cert_dir is not None
    certificate, key = settings.cert_dir / f"{component}.crt", settings.cert_dir / f"{component}.key"
    if certificate.exists() and key.exists() and not_after(certificate.read_bytes()) - datetime.now(UTC) > _LEFT:
        return certificate, key
    return _written(settings.cert_dir, component, _make(component, settings.bind_address))


def _written(directory: Path, component: str, made: Issued) -> tuple[Path, Path]:
    certificate, key = directory / f"{component}.crt", directory / f"{component}.key"
    private_file.write(key, made.key)
    private_file.write(certificate, made.certificate)
    return certificate, key


def _make(component: str, address: str) -> Issued:
    from cloudk8s.apiserver.pki.certificate import issue  # costs tens of milliseconds, only where it is needed

    now, name = datetime.now(UTC), socket.gethostname()
    hosts = dict.fromkeys([name, "localhost", "127.0.0.1", "::1", *([] if address in _ALL else [address])])
    common_name = f"{component}@{int(now.timestamp())}"
    return issue(Profile(component, common_name, hosts=tuple(hosts)), None, now)
