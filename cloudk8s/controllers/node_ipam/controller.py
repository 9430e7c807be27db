"""Gives every node its pod ranges, one of each family of the cluster's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, name_of, spec_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import NODES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.node_ipam.pool import RangeExhausted, RangePool
from cloudk8s.errors import NotFound, StatusError, Timeout

_log = logging.getLogger(__name__)


class NodeIPAMController:
    """Does nothing unless it is asked to allocate. Ranges that nodes have already are theirs, whoever gave them."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._client = context.client
        self._events = context.events.for_component("cidrAllocator")
        self._queue: WorkQueue[str] = WorkQueue(
            "cidrallocator_node", clock=context.clock, instruments=context.instruments
        )
        self._promised: dict[str, list[str]] = {}
        """What nodes are to get, by UID, until they are seen to have ranges: nobody else may get it."""
        self._pools = self._make_pools() if context.options.allocate_node_cidrs else []
        self._nodes = context.informers.of(NODES)
        self._nodes.add_handler(self._node_changed)

    async def run(self) -> None:
        if not self._pools:
            await asyncio.Event().wait()
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _make_pools(self) -> list[RangePool]:
        options, settings = self._context.options, self._context.settings
        pools = []
        for cidr in _split(settings.cluster_cidr):
            length = options.node_cidr_mask_size_ipv6 if ":" in cidr else options.node_cidr_mask_size_ipv4
            pools.append(RangePool(cidr, options.node_cidr_mask_size or length, self._context.instruments))
        for taken in _split(settings.service_cluster_ip_range):
            for pool in pools:
                pool.reserve(taken)
        return pools

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """What nodes have is taken at once, before anything is handed out."""
        if new is None:
            for cidr in {*_ranges(old or {}), *self._promised.pop(uid_of(old or {}), ())}:
                self._release(cidr)
        elif given := _ranges(new):
            if old is None or _ranges(old) != given:
                self._occupy(new, given)
            for cidr in set(self._promised.pop(uid_of(new), ())) - set(given):
                self._release(cidr)
        elif not is_deleting(new):
            self._queue.add(name_of(new))

    def _occupy(self, node: Object, ranges: Sequence[str]) -> None:
        try:
            for cidr in ranges:
                for pool in self._pools:
                    pool.occupy(cidr)
        except ValueError as error:
            _log.warning("node %s: its range can't be read, and is given to others too: %s", name_of(node), error)

    async def _reconcile(self, name: str) -> timedelta | None:
        node = self._nodes.get(name)
        if node is None or _ranges(node) or is_deleting(node):
            return None
        ranges = self._promised.get(uid_of(node)) or self._allocate(node)
        self._promised[uid_of(node)] = ranges
        patch = {"metadata": {"uid": uid_of(node)}, "spec": {"podCIDR": ranges[0], "podCIDRs": ranges}}
        try:
            await self._client.patch(NODES, name, patch, type="strategic")
        except (Timeout, OSError):
            self._say(node, "CIDRAssignmentFailed")
            raise  # it may be given yet: the same is tried again
        except StatusError as error:
            await self._take_back(node)
            if isinstance(error, NotFound):
                return None
            self._say(node, "CIDRAssignmentFailed")
            raise
        return None

    def _allocate(self, node: Object) -> list[str]:
        """A part of every range, or none. Raises RangeExhausted."""
        ranges: list[str] = []
        try:
            for pool in self._pools:
                ranges.append(pool.allocate())
        except RangeExhausted:
            for cidr in ranges:
                self._release(cidr)
            self._say(node, "CIDRNotAvailable")
            raise
        return ranges

    async def _take_back(self, node: Object) -> None:
        """Free what a failed write was to give, unless it was given after all."""
        try:
            given = _ranges(await self._client.get(NODES, name_of(node)))
        except NotFound:
            given = ()
        except StatusError:
            return
        for cidr in set(self._promised.pop(uid_of(node), ())) - set(given):
            self._release(cidr)

    def _release(self, cidr: str) -> None:
        try:
            for pool in self._pools:
                pool.release(cidr)
        except ValueError as error:
            _log.debug("what can't be read is not released: %s", error)

    def _say(self, node: Object, reason: str) -> None:
        self._events.normal(node, reason, f"Node {name_of(node)} status is now: {reason}")


def _ranges(node: Object) -> Sequence[str]:
    spec = spec_of(node)
    return spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])


def _split(cidrs: str) -> list[str]:
    return [part.strip() for part in cidrs.split(",") if part.strip()]
