"""The node controller: describes new nodes and keeps addresses and labels true.

A tainted node → its instance → addresses, then providerID and labels, then the taint goes. Upstream removes the taint
before it writes the addresses; here no pod lands on a node that has none.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.rate_limit import RateLimit
from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.node_addresses import wanted_addresses
from cloudk8s.cloud.controllers.node_initialization import initialized, is_uninitialized
from cloudk8s.cloud.controllers.node_labels import OWNED_LABELS, corrected_labels, wanted_labels
from cloudk8s.cloud.controllers.node_reference import addresses_of, age_of, node_ref
from cloudk8s.cloud.lookup import Found, InstanceLookup
from cloudk8s.cloud.metrics import CloudMetrics, NoMetrics
from cloudk8s.cloud.model.instance import Instance, NodeAddress
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import CloudError, Conflict, NotFound, RetryLater
from cloudk8s.machinery import codec

TRIES = 20
PAUSE = 0.05
"""Seconds between tries after a conflict; up to twice as long, so that two writers do not meet again."""
RETRIES_PER_SECOND = 10.0
RETRIES_AT_ONCE = 100
"""Upstream's default limit for the retries of all nodes together."""
UNCLAIMED = timedelta(seconds=30)
"""When to ask again about a node that no cloud claims: clouds list what was just made a little later."""
log = logging.getLogger(__name__)


class CloudNodeController:
    """Initialises tainted nodes as they come, and compares all others with their clouds every few minutes."""

    def __init__(
        self, context: ControllerContext, lookup: InstanceLookup, settings: CloudControllerSettings, *,
        metrics: CloudMetrics | None = None,
    ) -> None:  # fmt: skip
        self._metrics = metrics or NoMetrics()
        self._client = context.client
        self._clock = context.clock
        self._events = context.events.for_component("cloud-node-controller")
        self._lookup = lookup
        self._settings = settings
        self._nodes = context.informers.of(NODES)
        retries = RateLimit(context.clock, qps=RETRIES_PER_SECOND, burst=RETRIES_AT_ONCE)
        self._queue: WorkQueue[str] = WorkQueue(
            "Nodes", clock=context.clock, retries=retries, instruments=context.instruments
        )
        self._nodes.add_handler(self._on_change)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            workers = run_workers(self._queue, self._settings.concurrent_node_syncs, self.reconcile)
            group.create_task(workers, name="cloud-node")
            group.create_task(self._refresh_forever(), name="cloud-node refresh")

    async def reconcile(self, name: str) -> timedelta | None:
        """Initialise one node, or put its labels right."""
        node = self._nodes.get(name)
        if node is None:
            return None
        if not is_uninitialized(node):
            await self._correct_labels(node)
            return None
        found = await self._lookup.find(node_ref(node))
        if isinstance(found.error, RetryLater):
            return found.error.after
        if found.error is not None:
            raise found.error
        if found.instance is None or found.instance.state == "gone":
            log.info("node %s: no cloud has an instance for it; left as it is", name)
            return UNCLAIMED
        fresh = self._nodes.get(name)
        if fresh is not None and is_uninitialized(fresh):
            await self._initialize(fresh, found.instance, found.cloud)
        return None

    async def refresh(self) -> None:
        """Compare addresses and labels of all initialised nodes with their clouds, and write what differs."""
        nodes = {name_of(node): node for node in self._nodes.list() if not is_uninitialized(node)}
        found = await self._lookup.find_many([node_ref(node) for node in nodes.values()])
        limit = asyncio.Semaphore(self._settings.node_status_updates)

        async def one(name: str) -> None:
            async with limit:
                await self._refresh_one(nodes[name], found[name])

        async with asyncio.TaskGroup() as group:
            for name in nodes:
                group.create_task(one(name), name=f"refresh node {name}")

    def _on_change(self, old: Object | None, new: Object | None) -> None:
        if new is not None and (is_uninitialized(new) or corrected_labels(new)):
            self._queue.add(name_of(new))

    async def _refresh_forever(self) -> None:
        while True:
            try:
                await self.refresh()
            except Exception:
                log.exception("the comparison of nodes with their clouds failed; trying again")
            await self._clock.sleep(self._settings.node_status_update_frequency.total_seconds())

    async def _initialize(self, node: Object, instance: Instance, cloud: str) -> None:
        initialized(node, instance)  # refuse before anything is written
        node = await self._write_addresses(node, wanted_addresses(node, instance.addresses))
        for attempt in range(TRIES):
            try:
                await self._client.update(NODES, initialized(node, instance))
                break
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                await self._clock.sleep(PAUSE * (1 + random.random()))
                node = await self._client.get(NODES, name_of(node))
        self._metrics.initialized(age_of(node, self._clock.now()).total_seconds())
        matched = f" (matched by {instance.matched_by} in cloud {cloud})" if instance.matched_by else ""
        self._events.normal(node, "Synced", f"Node synced successfully{matched}")

    async def _refresh_one(self, node: Object, found: Found) -> None:
        if found.error is not None:
            log.info("node %s: %s", name_of(node), found.error)
        if found.instance is None or found.instance.state == "gone":
            return
        try:
            await self._write_addresses(node, wanted_addresses(node, found.instance.addresses))
            await self._write_labels(node, found.instance)
        except NotFound:
            return
        except CloudError as error:
            log.warning("node %s: addresses left as they are: %s", name_of(node), error)

    async def _write_addresses(self, node: Object, wanted: tuple[NodeAddress, ...]) -> Object:
        """Write what differs; returns the node as it is then."""
        if not wanted or wanted == addresses_of(node):
            return node
        entries = [{"type": entry.type, "address": entry.address} for entry in wanted]
        patch = {"status": {"addresses": entries}}
        return await self._client.patch(NODES, name_of(node), patch, type="merge", subresource="status")

    async def _write_labels(self, node: Object, instance: Instance) -> None:
        change = wanted_labels(node, instance)
        for key, value in change.kept.items():
            log.warning("node %s: label %s is the user's; the cloud wanted %r", name_of(node), key, value)
        metadata: dict[str, Any] = {"labels": dict(change.labels)} if change.labels else {}
        if change.annotation is not None:
            metadata["annotations"] = {OWNED_LABELS: change.annotation}
        if metadata:
            await self._client.patch(NODES, name_of(node), {"metadata": metadata}, type="merge")

    async def _correct_labels(self, node: Object) -> None:
        if labels := corrected_labels(node):
            await self._client.patch(
                NODES, name_of(node), {"metadata": {"labels": codec.copy(dict(labels))}}, type="merge"
            )
