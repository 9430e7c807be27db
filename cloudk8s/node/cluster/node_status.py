"""Registers the Node, keeps its status, renews its lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, labels_of, spec_of, status_of, uid_of
from cloudk8s.client.resources import LEASES, NODES
from cloudk8s.errors import AlreadyExists, CloudK8sError, Conflict, NotFound
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_micro_time
from cloudk8s.node.machine import node_object
from cloudk8s.node.machine.node_object import Self
from cloudk8s.node.machine.transitions import transitions
from cloudk8s.node.settings import NodeSettings
from cloudk8s.node.waiting import wait_for

LEASE_NAMESPACE = "kube-node-lease"
_RETRY_SECONDS = 2.0

_log = logging.getLogger(__name__)


class NodeReporter:
    """Shows this node in the API. `look` tells what the node is now."""

    def __init__(
        self, settings: NodeSettings, client: Client, *, clock: Clock, look: Callable[[], Awaitable[Self]],
        events: EventRecorder,
    ) -> None:  # fmt: skip
        self._events = events
        self._settings, self._client, self._clock, self._look = settings, client, clock, look
        self._reported_at = float("-inf")
        self._changed = asyncio.Event()

    def report_soon(self) -> None:
        """The node has changed: do not wait for the next regular look."""
        self._changed.set()

    async def register(self) -> Object:
        """Make the Node, or bring one that is there up to date; tries until it succeeds."""
        while True:
            try:
                return await self._register()
            except (CloudK8sError, OSError) as error:
                _log.warning("node %s: not registered, trying again: %s", self._settings.node_name, error)
                await self._clock.sleep(_RETRY_SECONDS)

    async def report(self) -> Object:
        """Write the node's status if it changed, or if the last report is long ago."""
        own = await self._look()
        try:
            node = await self._client.get(NODES, self._settings.node_name)
        except NotFound:
            return await self.register()
        now = self._clock.monotonic()
        status = node_object.node_status(self._settings, own, status_of(node), self._clock.now())
        is_due = now - self._reported_at >= self._settings.status_report_seconds
        if not is_due and node_object.is_same(status, status_of(node)):
            return node
        self._reported_at = now
        patch = {"status": node_object.status_patch(status, status_of(node))}
        name = self._settings.node_name
        written = await self._client.patch(NODES, name, patch, type="strategic", subresource="status")
        self._tell(node, written)
        return written

    def _tell(self, before: Object | None, node: Object) -> None:
        status = status_of(before) if before is not None else {}
        for kind, reason, note in transitions(self._settings.node_name, status, status_of(node)):
            self._events.event(node, kind, reason, note, resource=NODES)

    async def run(self) -> None:
        """Report again and again until cancelled."""
        while True:
            await wait_for(self._changed, self._clock, self._settings.status_update_seconds)
            self._changed.clear()
            try:
                await self.report()
            except (CloudK8sError, OSError) as error:
                _log.warning("node %s: status not written: %s", self._settings.node_name, error)

    async def run_lease(self) -> None:
        """Renew the lease again and again until cancelled."""
        while True:
            try:
                await self._renew()
                wait = self._settings.lease_seconds / 4
            except (CloudK8sError, OSError) as error:
                _log.warning("node %s: lease not renewed: %s", self._settings.node_name, error)
                wait = _RETRY_SECONDS
            await self._clock.sleep(wait)

    async def _register(self) -> Object:
        own = await self._look()
        fresh = node_object.new_node(self._settings, own, self._clock.now())
        self._reported_at = self._clock.monotonic()
        try:
            node = await self._client.create(NODES, fresh)
        except AlreadyExists:
            known = await self._client.get(NODES, self._settings.node_name)
            self._events.event(known, "Normal", "Starting", "Starting kubelet.", resource=NODES)
            await self._update_metadata(known, fresh)
        else:
            self._events.event(node, "Normal", "Starting", "Starting kubelet.", resource=NODES)
            if status_of(node):
                self._tell(None, node)
                return node
        self._reported_at = float("-inf")
        return await self.report()

    async def _update_metadata(self, node: Object, fresh: Object) -> None:
        """Set this agent's own labels and annotations; those of others stay."""
        labels = {key: value for key, value in labels_of(fresh).items() if labels_of(node).get(key) != value}
        wanted: dict[str, str | None] = dict(annotations_of(fresh))
        wanted.setdefault(node_object.ISOLATION_ANNOTATION, None)
        notes = {key: value for key, value in wanted.items() if annotations_of(node).get(key) != value}
        patch: dict[str, Any] = {"metadata": {"labels": labels, "annotations": notes}}
        provider = spec_of(fresh).get("providerID")
        if provider and not spec_of(node).get("providerID"):
            patch["spec"] = {"providerID": provider}
        if labels or notes or "spec" in patch:
            await self._client.patch(NODES, self._settings.node_name, patch, type="strategic")

    async def _renew(self) -> None:
        name, now = self._settings.node_name, format_micro_time(self._clock.now())
        try:
            lease = await self._client.get(LEASES, name, namespace=LEASE_NAMESPACE)
            await self._client.update(LEASES, {**lease, "spec": {**spec_of(lease), "renewTime": now}})
        except NotFound:
            await self._create_lease(name, now)
        except Conflict:
            await self._renew()

    async def _create_lease(self, name: str, now: str) -> None:
        node = await self._client.get(NODES, name)
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid_of(node)}
        spec = {"holderIdentity": name, "leaseDurationSeconds": self._settings.lease_seconds, "renewTime": now}
        metadata = {"name": name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        await self._client.create(LEASES, body, namespace=LEASE_NAMESPACE)
