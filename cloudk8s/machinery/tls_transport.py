"""TLS between a TCP transport and a protocol, over memory BIOs.

The standard library's own layer costs twice the memory for each idle connection and half as much again for each
request: it keeps buffers per connection and defers what can be done at once. Here all connections share the buffers
and BIOs that a read or write needs, because a loop works on one connection at a time, and what is written while input
is handled leaves in one piece. The API server and clients use it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

log = logging.getLogger(__name__)

BUFFER = 64 * 1024
BLOCK = 256 * 1024
"""The most that is encrypted at once."""
RECORD = 16 * 1024
"""The most that one TLS record holds."""
_PLAIN_HTTP = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


class SharedBuffers:
    """What is received, decrypted and encrypted, for all connections of one loop.

    The BIOs hold bytes of one connection at a time, their owner. Between two turns they are empty, or hold what a
    connection that reads no more has not decrypted yet; whoever wants them next makes their owner take that out.
    """

    def __init__(self) -> None:
        self.received = bytearray(BUFFER)
        self.received_view = memoryview(self.received)
        self.plain = bytearray(BUFFER)
        self.plain_view = memoryview(self.plain)
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.owner: TLSTransport | None = None


class TLSTransport(asyncio.BufferedProtocol, asyncio.Transport):
    """The protocol of a TCP connection and the transport of the one above it.

    With a `server_name` it is the client's side, else the server's. `settled` is called once: when the handshake is
    done, or when the connection is lost before that. A close sends `close_notify` and does not wait for the peer's.
    """

    __slots__ = (
        "_app", "_buffers", "_is_client", "_is_closing", "_is_handling", "_is_reading", "_lower", "_rest", "_settled",
        "_tls", "deadline",
    )  # fmt: skip

    def __init__(
        self,
        context: ssl.SSLContext,
        protocol: asyncio.Protocol,
        buffers: SharedBuffers,
        settled: Callable[[TLSTransport], None],
        deadline: float,
        *,
        server_name: str | None = None,
    ) -> None:
        self._app: asyncio.BaseProtocol = protocol
        self._buffers = buffers
        self._settled: Callable[[TLSTransport], None] | None = settled
        self._is_client = server_name is not None
        self._tls = context.wrap_bio(
            buffers.incoming, buffers.outgoing, server_side=server_name is None, server_hostname=server_name
        )
        self._rest = b""
        """Received and not yet decrypted, while others have the BIOs."""
        self._lower: asyncio.Transport | None = None
        self._is_closing = False
        self._is_reading = True
        self._is_handling = False
        self.deadline = deadline
        """Coarse time at which a handshake that is not done is given up."""

    # The protocol of the TCP connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._lower = cast(asyncio.Transport, transport)
        if self._is_client:
            self.buffer_updated(0)  # who connects speaks first

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffers.received_view

    def buffer_updated(self, nbytes: int) -> None:
        self._is_handling = True
        try:
            for start in range(0, nbytes or 1, RECORD):
                self._claim()
                self._buffers.incoming.write(self._buffers.received_view[start : min(start + RECORD, nbytes)])
                if self._settled is None or self._shake_hands():
                    self._read()
        except ssl.SSLError as error:
            self._failed(error)
        finally:
            self._is_handling = False
            self._flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closing = True
        self._lower = None
        if self._buffers.owner is self:
            self._give_up()
        if self._settled is None:
            self._app.connection_lost(exc)
        else:
            self._settle()

    def pause_writing(self) -> None:
        if self._settled is None:
            self._app.pause_writing()

    def resume_writing(self) -> None:
        if self._settled is None:
            self._app.resume_writing()

    # The transport of the protocol above.

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._is_closing or not data:
            return
        self._claim()
        try:
            if len(data) <= BLOCK:
                self._tls.write(data)
            else:
                self._write_blocks(memoryview(data))
        except ssl.SSLError as error:
            self._failed(error)
            return
        if not self._is_handling or len(data) > RECORD:
            self._flush()
            buffers = self._buffers
            if not buffers.incoming.pending and not buffers.outgoing.pending:
                buffers.owner = None  # so that the next one need not ask for them

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._claim()
        try:
            self._tls.unwrap()
        except ssl.SSLError as error:
            # Wanting to read is the normal case: our close_notify is out, the peer's is not waited for.
            if not isinstance(error, ssl.SSLWantReadError):
                log.debug("TLS could not be closed: %s", error)
        self._flush()
        if self._lower is not None:
            self._lower.close()

    def abort(self) -> None:
        self._is_closing = True
        lower, self._lower = self._lower, None
        if lower is not None:
            lower.abort()

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        if self._is_reading and self._lower is not None:
            self._is_reading = False
            self._lower.pause_reading()

    def resume_reading(self) -> None:
        if self._is_reading or self._lower is None or self._is_closing:
            return
        self._is_reading = True
        self._lower.resume_reading()
        asyncio.get_running_loop().call_soon(self.buffer_updated, 0)  # what was received before the pause

    def is_reading(self) -> bool:
        return self._is_reading and not self._is_closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if self._lower is not None:
            self._lower.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        own = self._buffers.outgoing.pending if self._buffers.owner is self else 0
        return own + (self._lower.get_write_buffer_size() if self._lower is not None else 0)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._app = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._app

    def can_write_eof(self) -> bool:
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._tls
        return self._lower.get_extra_info(name, default) if self._lower is not None else default

    # Between the two.

    def _shake_hands(self) -> bool:
        """Whether the handshake is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self._settle()
        self._app.connection_made(self)
        return True

    def _settle(self) -> None:
        settled, self._settled, self.deadline = self._settled, None, 0.0
        if settled is not None:
            settled(self)

    def _read(self) -> None:
        """Decrypt what there is and hand it over, until there is no more or no one wants more."""
        tls, incoming, view = self._tls, self._buffers.incoming, self._buffers.plain_view
        while self._is_reading and not self._is_closing:
            self._claim()
            if not incoming.pending and not tls.pending():
                return
            try:
                # With a buffer, `read` returns how much it holds; typeshed's stub knows bytes only.
                count = cast(int, tls.read(BUFFER, self._buffers.plain))
            except ssl.SSLWantReadError:
                return
            except ssl.SSLZeroReturnError:
                count = 0
            if not count:
                cast(asyncio.Protocol, self._app).eof_received()
                self.close()
                return
            cast(asyncio.Protocol, self._app).data_received(bytes(view[:count]))

    def _write_blocks(self, data: memoryview[Any]) -> None:
        """Encrypt block by block: a BIO keeps the memory of the most that it ever held."""
        for start in range(0, len(data), BLOCK):
            self._tls.write(data[start : start + BLOCK])
            self._flush()

    def _claim(self) -> None:
        """Have the BIOs: another connection takes its bytes out, this one puts its own in again."""
        buffers = self._buffers
        if buffers.owner is self:
            return
        if buffers.owner is not None:
            buffers.owner._give_up()
        buffers.owner = self
        if self._rest:
            rest, self._rest = self._rest, b""
            buffers.incoming.write(rest)

    def _give_up(self) -> None:
        """Leave the BIOs empty."""
        self._flush()
        self._buffers.outgoing.read()  # what a lost connection had to say
        rest = self._buffers.incoming.read()
        self._rest = b"" if self._is_closing else rest
        self._buffers.owner = None

    def _flush(self) -> None:
        outgoing = self._buffers.outgoing
        if self._buffers.owner is self and outgoing.pending and self._lower is not None:
            self._lower.write(outgoing.read())

    def _failed(self, error: ssl.SSLError) -> None:
        """The peer does not speak TLS as it should; it is told by an alert, if OpenSSL has one for it."""
        log.debug("a TLS connection failed: %s", error)
        self._is_closing = True
        if error.reason == "HTTP_REQUEST" and self._lower is not None:
            self._buffers.outgoing.read()
            self._lower.write(_PLAIN_HTTP)
        self._flush()
        if self._lower is not None:
            self._lower.close()
