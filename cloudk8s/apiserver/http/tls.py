"""TLS as the API server wants it: TLS 1.2 or newer, HTTP/1.1 only, client certificates where offered."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(certificate: Path, key: Path, *, client_ca: Path | None = None) -> ssl.SSLContext:
    """The listener's context. With `client_ca` (one or more PEM certificates) clients may present certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # clients keep connections; tickets only cost handshake time
    if client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(client_ca)
    return context
