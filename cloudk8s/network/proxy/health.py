"""What load balancers ask: is this node's proxy in order, and has this node endpoints of a Service.

https://kubernetes.io/docs/reference/networking/virtual-ips/ and KEP-3836 have the rules.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Final, Self

from cloudk8s.client.informer import Informers
from cloudk8s.client.objects import is_deleting, spec_of
from cloudk8s.client.resources import NODES
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time
from cloudk8s.network.hosts.thread import HostThread
from cloudk8s.network.proxy.health_server import HealthAnswer, HealthServer, bind
from cloudk8s.network.proxy.model import HealthCheck

STALE_SECONDS: Final = 60.0
"""How long a change may wait before the proxy counts as broken."""
LEAVING_TAINT: Final = "ToBeDeletedByClusterAutoscaler"
_log = logging.getLogger(__name__)


class Health:
    """`/healthz` and `/livez` of the proxy. Health says whether new traffic should come, life whether it works."""

    def __init__(
        self, informers: Informers, node: str, *, clock: Clock, pending_since: Callable[[], float | None]
    ) -> None:
        self._nodes = informers.of(NODES)
        self._node, self._clock, self._pending_since = node, clock, pending_since

    @property
    def is_alive(self) -> bool:
        """No change has waited for too long."""
        since = self._pending_since()
        return since is None or self._clock.monotonic() - since < STALE_SECONDS

    @property
    def is_eligible(self) -> bool:
        """The node is neither being deleted nor about to be."""
        node = self._nodes.get(self._node)
        if node is None:
            return True
        taints = spec_of(node).get("taints") or ()
        return not is_deleting(node) and all(taint.get("key") != LEAVING_TAINT for taint in taints)

    def answer(self, path: str) -> HealthAnswer:
        """The answer to a path of the health port."""
        if path not in ("/healthz", "/livez"):
            return HealthAnswer(404, b"{}")
        now = format_time(self._clock.now())
        is_eligible = self.is_eligible
        body = {"lastUpdated": now, "currentTime": now, "nodeEligible": is_eligible}
        good = self.is_alive and (is_eligible or path == "/livez")
        return HealthAnswer(200 if good else 503, codec.encode(body))


class ServiceHealth:
    """The health-check node ports of Services; `show` says what they answer from now on."""

    def __init__(self, addresses: Sequence[str], host: HostThread, *, is_alive: Callable[[], bool]) -> None:
        self._addresses, self._host, self._is_alive = list(addresses), host, is_alive
        self._checks: dict[int, HealthCheck] = {}
        self._servers: dict[int, HealthServer] = {}
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow(), name="health-check node ports")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._task.cancel()
        for server in self._servers.values():
            await server.__aexit__(None, None, None)

    def show(self, checks: Iterable[HealthCheck]) -> None:
        """These are all there are."""
        wanted = {check.node_port: check for check in checks}
        if wanted != self._checks:
            self._checks = wanted
            self._changed.set()

    def answer(self, port: int) -> HealthAnswer:
        """The answer on a port, whatever the path."""
        check, alive = self._checks.get(port), self._is_alive()
        count = check.local_endpoints if check else 0
        body = {
            "service": {"namespace": check.namespace if check else "", "name": check.service if check else ""},
            "localEndpoints": count,
            "serviceProxyHealthy": alive,
        }
        headers = {"X-Load-Balancing-Endpoint-Weight": str(count)}
        return HealthAnswer(200 if count and alive else 503, codec.encode(body), headers)

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            for port in self._servers.keys() - self._checks.keys():
                await self._servers.pop(port).__aexit__(None, None, None)
            for port in self._checks.keys() - self._servers.keys():
                await self._open(port)

    async def _open(self, port: int) -> None:
        try:
            sockets = await self._host.run(lambda: bind(self._addresses, port))
        except OSError as error:
            _log.warning("health-check node port %d is not served: %s", port, error)
            return
        server = HealthServer(lambda _: self.answer(port), sockets)
        self._servers[port] = await server.__aenter__()
