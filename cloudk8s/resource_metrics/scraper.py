"""Asks every kubelet what its node and pods use, and keeps the last two answers."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from cloudk8s.api.resource_metrics.usage import Measurement
from cloudk8s.client.informer import Informer, Informers
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, status_of
from cloudk8s.client.resources import NODES
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.clock import Clock
from cloudk8s.resource_metrics.page import read_page
from cloudk8s.resource_metrics.window import Window

PERIOD_SECONDS: Final = 15.0
_FIRST_SECONDS: Final = 10.0
"""Between the first two looks at a node, so that something is known soon."""
_TIMEOUT_SECONDS: Final = 13.5
"""Nine tenths of the period: an answer that takes longer is of no use."""
_log = logging.getLogger(__name__)


class KubeletScraper:
    """A source of usage, fed while `run` runs. A node that does not answer is not known until it does again."""

    def __init__(self, client: Client, informers: Informers, *, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._nodes: Informer = informers.of(NODES)
        self._windows: dict[str, Window] = {}
        self._wanted: set[str] = set()
        self._changed = asyncio.Event()
        self._nodes.add_handler(self._node_changed)

    def of_node(self, node: Object) -> Measurement | None:
        """What the node used as a whole."""
        window = self._windows.get(name_of(node))
        return None if window is None else window.of_node()

    def of_pod(self, pod: Object) -> Measurement | None:
        """What the pod's containers used."""
        window = self._windows.get(spec_of(pod).get("nodeName", ""))
        return None if window is None else window.of_pod(namespace_of(pod), name_of(pod))

    async def run(self) -> None:
        """Look at every node every period, from when it has a kubelet until it is gone; until cancelled."""
        watched: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                for name in self._wanted - watched.keys():
                    watched[name] = group.create_task(self._watch(name), name=f"resource metrics of {name}")
                for name in watched.keys() - self._wanted:
                    watched.pop(name).cancel()
                    self._windows.pop(name, None)
                self._changed.clear()
                await self._changed.wait()

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        name = name_of(new or old or {})
        is_wanted = new is not None and _has_kubelet(new)
        if is_wanted != (name in self._wanted):
            (self._wanted.add if is_wanted else self._wanted.discard)(name)
            self._changed.set()

    async def _watch(self, name: str) -> None:
        while True:
            started = self._clock.monotonic()
            await self._look(name)
            window = self._windows.get(name)
            pause = PERIOD_SECONDS if window and window.node else _FIRST_SECONDS
            await self._clock.sleep(max(0.0, started + pause - self._clock.monotonic()))

    async def _look(self, name: str) -> None:
        """Ask a kubelet once."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                text = await self._client.request("GET", f"/api/v1/nodes/{name}/proxy/metrics/resource")
        except (CloudK8sError, TimeoutError, OSError) as error:
            _log.info("node %s does not tell what it uses: %s", name, str(error) or "it takes too long")
            self._windows.pop(name, None)
            return
        page = read_page(str(text), self._clock.now().timestamp())
        self._windows[name] = self._windows.get(name, Window(PERIOD_SECONDS)).then(page)


def _has_kubelet(node: Object) -> bool:
    """Simulated nodes say that there is none, by port 0."""
    endpoint = (status_of(node).get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}
    return bool(endpoint.get("Port", 10250)) and bool(status_of(node).get("addresses"))
