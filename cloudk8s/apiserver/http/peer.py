"""What a handler may know of the other end."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast


class Peer:
    """Fulfils `Connection`; looked up once, and only when asked for."""

    __slots__ = ("_certificate", "_remote", "memo", "transport")

    def __init__(self) -> None:
        self._certificate: bytes | bool | None = False
        self._remote: str | None = None
        self.transport: asyncio.Transport | None = None
        self.memo: dict[str, object] = {}

    @property
    def peer_certificate(self) -> bytes | None:
        if self._certificate is False:
            tls = self.transport and self.transport.get_extra_info("ssl_object")
            self._certificate = cast(ssl.SSLObject, tls).getpeercert(binary_form=True) if tls else None
        return cast("bytes | None", self._certificate)

    @property
    def remote(self) -> str:
        if self._remote is None:
            address = self.transport and self.transport.get_extra_info("peername")
            self._remote = address[0] if isinstance(address, tuple) else ""
        return self._remote
