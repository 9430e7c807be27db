"""A client of the serving side: plain requests, and upgrades to WebSocket and SPDY."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl

from cloudk8s.apiserver.streaming.bytes import SocketStream
from cloudk8s.apiserver.streaming.channels import SpdyChannels, WebSocketChannels
from cloudk8s.apiserver.streaming.spdy import SpdyConnection
from cloudk8s.apiserver.streaming.upgrade import request_head
from cloudk8s.apiserver.streaming.websocket import WebSocket


class Peer:
    """Talks to one port over TLS."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE

    async def get(self, target: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, bytes]:
        reader, writer = await self._connect()
        writer.write(request_head(method, target, "node", {"Connection": "close"} | (headers or {})))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.read()
        writer.close()
        return int(head.split()[1]), unchunked(body) if "transfer-encoding: chunked" in head else body

    async def lines(self, target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A streamed answer, after its head."""
        reader, writer = await self._connect()
        writer.write(request_head("GET", target, "node", {}))
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    async def websocket(self, target: str, protocol: str) -> WebSocket:
        reader, writer = await self._connect()
        headers = {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Protocol": protocol,
        }  # fmt: skip
        writer.write(request_head("GET", target, "node", headers))
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith("HTTP/1.1 101"), head + (await reader.read()).decode()
        assert f"Sec-WebSocket-Protocol: {protocol}\r\n" in head
        return WebSocket(SocketStream(reader, writer), is_server=False)

    async def channels(self, target: str, protocol: str) -> WebSocketChannels:
        return WebSocketChannels(await self.websocket(target, protocol), protocol)

    async def spdy(self, target: str, protocol: str) -> SpdyConnection:
        reader, writer = await self._connect()
        headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": protocol}
        writer.write(request_head("POST", target, "node", headers))
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith("HTTP/1.1 101"), head + (await reader.read()).decode()
        connection = SpdyConnection(SocketStream(reader, writer), is_server=False)
        connection.reading = asyncio.create_task(connection.run())  # type: ignore[attr-defined]
        return connection

    async def spdy_channels(self, target: str, protocol: str, channels: dict[int, bool]) -> SpdyChannels:
        opened = SpdyChannels(await self.spdy(target, protocol), protocol)
        await opened.open(channels)
        return opened

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, ssl=self._context)


def unchunked(body: bytes) -> bytes:
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        out, body = out + body[:length], body[length + 2 :]
    return out
