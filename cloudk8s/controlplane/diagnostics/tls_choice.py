"""Which TLS a port speaks: upstream's `--tls-min-version` and `--tls-cipher-suites`, whose names are Go's."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from typing import Final

from cloudk8s.errors import SettingsError

VERSIONS: Final = {
    "VersionTLS10": ssl.TLSVersion.TLSv1,
    "VersionTLS11": ssl.TLSVersion.TLSv1_1,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}
_OF_TLS_13: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Not chosen but always there, as upstream's."""
_SUITE: Final = re.compile(
    r"TLS_((?:ECDHE_)?(?:RSA|ECDSA))_WITH_(AES_(?:128|256)_(?:GCM|CBC)|CHACHA20_POLY1305)_?(\w*)"
)


def choose(context: ssl.SSLContext, minimum: str, suites: Sequence[str]) -> None:
    """Let a context speak nothing else. Raises SettingsError for versions and suites that there are not."""
    if minimum and minimum not in VERSIONS:
        raise SettingsError(f"--tls-min-version: {minimum!r} is none of {', '.join(VERSIONS)}")
    # Below 1.2 nothing is offered, as no client that Kubernetes supports needs it.
    oldest = max(VERSIONS.get(minimum, ssl.TLSVersion.TLSv1_2), ssl.TLSVersion.TLSv1_2)
    chosen = [suite for suite in suites if suite not in _OF_TLS_13]
    if chosen:
        _set_ciphers(context, [_openssl(suite) for suite in chosen])
    context.minimum_version = oldest if chosen or not suites else ssl.TLSVersion.TLSv1_3


def _set_ciphers(context: ssl.SSLContext, names: Sequence[str]) -> None:
    try:
        context.set_ciphers(":".join(names))
    except ssl.SSLError as error:
        raise SettingsError(f"--tls-cipher-suites: OpenSSL has none of {', '.join(names)}") from error


def _openssl(suite: str) -> str:
    """`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` as `ECDHE-RSA-AES128-GCM-SHA256`."""
    found = _SUITE.fullmatch(suite)
    if found is None:
        raise SettingsError(f"--tls-cipher-suites: {suite!r} is not a cipher suite that is spoken here")
    keys, cipher, digest = found.groups()
    cipher = re.sub(r"AES_(\d+)", r"AES\1", cipher).replace("_CBC", "")
    parts = [keys if keys.startswith("ECDHE_") else "", cipher, "" if "CHACHA20" in cipher else digest]
    return "-".join(part for part in parts if part).replace("_", "-")
