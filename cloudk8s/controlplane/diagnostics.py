"""What a component tells about itself over HTTP: whether it lives, what it counts, how it is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cloudk8s.errors import SettingsError
from cloudk8s.network.proxy.health_server import HealthAnswer, HealthServer, bind

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

HEALTH = ("/healthz", "/livez", "/readyz")
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@asynccontextmanager
async def diagnosed(
    address: str, port: int, *, registry: CollectorRegistry, config: Callable[[], bytes]
) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port. 0 asks for nothing. Raises SettingsError for a port that is taken."""
    if not port:
        yield 0
        return
    try:
        sockets = bind([address], port)
    except OSError as error:
        raise SettingsError(f"port {port} of {address}: {error.strerror}; choose another one, or 0 for none") from error
    async with HealthServer(lambda path: answer(path, registry, config), sockets):
        yield int(sockets[0].getsockname()[1])


def answer(path: str, registry: CollectorRegistry, config: Callable[[], bytes]) -> HealthAnswer:
    """The page at a path."""
    if path in HEALTH:
        return HealthAnswer(200, b"ok", PLAIN)
    if path == "/metrics":
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return HealthAnswer(200, generate_latest(registry), {"Content-Type": CONTENT_TYPE_LATEST})
    if path == "/configz":
        return HealthAnswer(200, config())
    return HealthAnswer(404, b"not found", PLAIN)
