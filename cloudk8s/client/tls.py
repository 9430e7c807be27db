"""Connect by TLS, over the server's transport: asyncio's own keeps a buffer of 256 KiB for each connection."""

from __future__ import annotations

import asyncio
import ssl

from cloudk8s.machinery.tls_transport import SharedBuffers, TLSTransport


class ClientTransport(TLSTransport):
    """The client's side of a connection; it remembers why a handshake failed."""

    __slots__ = ("failure",)

    def __init__(
        self, context: ssl.SSLContext, protocol: asyncio.Protocol, buffers: SharedBuffers, *,
        settled: asyncio.Future[None], server_name: str,
    ) -> None:  # fmt: skip
        self.failure: ssl.SSLError | None = None
        super().__init__(context, protocol, buffers, lambda _: _settle(settled), 0.0, server_name=server_name)

    def _failed(self, error: ssl.SSLError) -> None:
        self.failure = error
        super()._failed(error)


async def connect(
    protocol: asyncio.Protocol, host: str, port: int, context: ssl.SSLContext, buffers: SharedBuffers, *,
    server_name: str,
) -> None:  # fmt: skip
    """Connect `protocol`; returns once the handshake is done. Raises OSError, of which `ssl.SSLError` is one.

    All connections that share `buffers` must belong to one loop.
    """
    loop = asyncio.get_running_loop()
    settled: asyncio.Future[None] = loop.create_future()
    transport = ClientTransport(context, protocol, buffers, settled=settled, server_name=server_name)
    try:
        await loop.create_connection(lambda: transport, host, port)
        await settled
    except BaseException:
        transport.abort()
        raise
    if transport.is_closing():
        raise transport.failure or ConnectionResetError("the connection was lost in the TLS handshake")


def _settle(settled: asyncio.Future[None]) -> None:
    if not settled.done():
        settled.set_result(None)
