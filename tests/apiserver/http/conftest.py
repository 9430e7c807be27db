from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from cloudk8s.apiserver.http.interface import Handler
from cloudk8s.apiserver.http.server import HTTPServer
from tests.apiserver.http.peer import Peer

Serve = Callable[..., Awaitable[HTTPServer]]
Connect = Callable[..., Awaitable[Peer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers that are stopped at the end of the test."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler, **options: Any) -> HTTPServer:
            return await stack.enter_async_context(HTTPServer(handler, **options))

        yield start


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open connections that are closed at the end of the test."""
    peers: list[Peer] = []

    async def start(server: HTTPServer, **options: Any) -> Peer:
        peers.append(await Peer.connect(server.port, **options))
        return peers[-1]

    yield start
    for peer in peers:
        peer.close()
