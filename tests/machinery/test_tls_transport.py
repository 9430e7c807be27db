"""Connections share the BIOs that OpenSSL reads and writes: none may see or send another one's bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from cloudk8s.apiserver.http.tls import server_context
from cloudk8s.apiserver.pki import PKI, ensure
from cloudk8s.machinery.tls_transport import SharedBuffers, TLSTransport


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    return ensure(tmp_path_factory.mktemp("tls"))


class Lower(asyncio.Transport):
    """The TCP connection: what is sent goes to the client."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.largest = 0
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.sent += bytes(data)
        self.largest = max(self.largest, len(data))

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        """The client goes on sending all the same."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""


class Side(asyncio.Protocol):
    """One connection with both its ends; `react` is what the server does with what it gets."""

    def __init__(self, pki: PKI, buffers: SharedBuffers) -> None:
        server = server_context(pki.serving.certificate, pki.serving.key)
        self._to_client, self._to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = ssl.create_default_context(cafile=pki.ca.certificate)
        self._client = client.wrap_bio(self._to_client, self._to_server, server_hostname="localhost")
        self.got = b""
        self.react: Callable[[bytes], None] = lambda data: None
        self.lower = Lower()
        self._buffers = buffers
        self.transport = TLSTransport(server, self, buffers, lambda transport: None, 0.0)
        self.transport.connection_made(self.lower)
        with suppress(ssl.SSLWantReadError):
            self._client.do_handshake()
        self.receive(self._to_server.read())
        self._to_client.write(self.take())
        self._client.do_handshake()
        self.receive(self._to_server.read())

    def data_received(self, data: bytes) -> None:
        self.got += data
        self.react(data)

    def encrypted(self, *texts: bytes) -> bytes:
        """Records of the client, one for each text."""
        for text in texts:
            self._client.write(text)
        return self._to_server.read()

    def receive(self, data: bytes) -> None:
        self._buffers.received[: len(data)] = data
        self.transport.buffer_updated(len(data))

    def take(self) -> bytes:
        sent, self.lower.sent = self.lower.sent, b""
        return sent

    def seen(self) -> bytes:
        """What the client has decrypted of all that was sent to it."""
        self._to_client.write(self.take())
        text = b""
        try:
            while piece := self._client.read():
                text += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            return text
        return text


@pytest.fixture
def sides(pki: PKI) -> tuple[Side, Side]:
    buffers = SharedBuffers()
    return Side(pki, buffers), Side(pki, buffers)


async def test_what_one_request_sends_to_another_connection_goes_there(sides: tuple[Side, Side]) -> None:
    one, other = sides

    def react(data: bytes) -> None:
        one.transport.write(b"1" + data)
        other.transport.write(b"2" + data)
        one.transport.write(b"3" + data)

    one.react = react
    one.receive(one.encrypted(b"a", b"b", b"c"))
    assert (one.got, one.seen(), other.seen()) == (b"abc", b"1a3a1b3b1c3c", b"2a2b2c")


async def test_a_connection_that_another_one_closes_takes_nothing_with_it(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.react = lambda data: other.transport.close()
    one.receive(one.encrypted(b"a", b"b", b"c"))
    assert (one.got, other.lower.is_closed) == (b"abc", True)
    one.transport.write(b"still here")
    assert one.seen() == b"still here"


async def test_what_is_not_read_yet_waits_while_others_go_on(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.react = lambda data: one.transport.pause_reading()
    one.receive(one.encrypted(b"a", b"b"))
    other.receive(other.encrypted(b"x"))
    one.react = lambda data: None
    one.transport.resume_reading()
    await asyncio.sleep(0)
    one.receive(one.encrypted(b"c"))
    assert (one.got, other.got) == (b"abc", b"x")


async def test_a_record_may_come_in_parts_between_those_of_others(sides: tuple[Side, Side]) -> None:
    one, other = sides
    record, foreign = one.encrypted(b"whole"), other.encrypted(b"x", b"y")
    for place in range(0, len(record), 7):
        one.receive(record[place : place + 7])
        other.receive(foreign[place : place + 7])
    other.receive(foreign[place + 7 :])
    assert (one.got, other.got) == (b"whole", b"xy")


async def test_a_lost_connection_leaves_nothing_to_others(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.react = lambda data: one.transport.pause_reading()
    one.receive(one.encrypted(b"a", b"b"))
    one.transport.connection_lost(None)
    other.receive(other.encrypted(b"x"))
    other.transport.write(b"y")
    assert (other.got, other.seen(), one.lower.sent) == (b"x", b"y", b"")


async def test_what_is_large_leaves_whole_and_in_blocks(sides: tuple[Side, Side]) -> None:
    one, other = sides
    text = bytes(range(256)) * 4 * 1024 + b"the end"
    one.transport.write(text)
    other.transport.write(b"in between")
    one.react = lambda data: one.transport.write(text)
    one.receive(one.encrypted(b"again"))
    assert one.lower.largest < 300 * 1024 < len(text)
    assert (one.seen(), other.seen()) == (text + text, b"in between")
